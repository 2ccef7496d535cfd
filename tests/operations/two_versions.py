"""An upgrade without a pause: `python -m tests.operations.two_versions FOLDER`, where FOLDER holds an older version.

    git archive COMMIT | tar -x -C FOLDER

The older version migrates a database and works on it. The database is migrated by this version while that goes on;
then both versions' webs, workers and clocks run side by side, orders come in at both, and the older one is ended. Every
order must have had its mail, once, and nobody may have called itself unfit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import requests

from jobs.ports import free_port
from tests.benchmarks.end_to_end import SETTINGS
from tests.benchmarks.harness import Stage, stage
from tests.benchmarks.load import Client, Job
from tests.benchmarks.payloads import SHOP
from tests.replay.servers import ROOT

ORDERS = 150  # at each web, in each of the three phases
PATIENCE = 90.0  # seconds


class Run:
    """Both versions on one database."""

    def __init__(self, ground: Stage, old: Path) -> None:
        self.ground, self.old = ground, old
        self.orders = 0
        self.ports = {"old": free_port(), "new": free_port()}
        self.database = "upgrade"
        with psycopg.connect(ground.postgres.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.database}".encode())
        self.url = ground.postgres.rpartition("/")[0] + f"/{self.database}"
        self.smtp = free_port()
        self.sink = subprocess.Popen(
            [sys.executable, "-m", "tests.operations.mail_counter", "127.0.0.1", str(self.smtp)], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.sink.stdout
        self.sink.stdout.readline()

    def environ(self, version: str) -> dict[str, str]:
        where = self.old if version == "old" else ROOT
        return self.ground.environ(
            self.url, EMAIL_URL=f"smtp://127.0.0.1:{self.smtp}", PYTHONPATH=str(where), PYTHONSAFEPATH="1"
        )

    def command(self, version: str, *arguments: object) -> None:
        command = [sys.executable, "-m", "jobs.cli", *arguments]
        self.ground.servers.run(f"{arguments[0]}-{version}", command, self.environ(version))

    def start(self, version: str) -> None:
        port, servers = self.ports[version], self.ground.servers
        env = self.environ(version)
        web = servers.start(f"web-{version}", [sys.executable, "-m", "jobs.cli", "web", "--port", port], env)
        for kind in ("worker", "clock"):
            servers.start(f"{kind}-{version}", [sys.executable, "-m", "jobs.cli", kind], env)
        servers.until(f"web-{version}", web, lambda: self.readiness(version)["status"] == "ok", 30)

    def end(self, version: str) -> None:
        for kind in ("web", "worker", "clock"):
            self.ground.servers.end(f"{kind}-{version}")

    def readiness(self, version: str) -> dict[str, object]:
        answer = requests.get(f"http://127.0.0.1:{self.ports[version]}/readyz", timeout=5)
        return {"status": answer.json().get("status"), "code": answer.status_code, **answer.json().get("checks", {})}

    def post(self, *versions: str) -> None:
        for version in versions:
            outcome = Client(Job(self.ports[version], 1 + self.orders, ORDERS, 4)).fire()
            assert set(outcome.statuses) == {"200"}, outcome.statuses
            self.orders += ORDERS

    def settle(self) -> dict[str, int]:
        """States of the thank-yous once none is left to do. Raises RuntimeError when that takes too long."""
        end = time.monotonic() + PATIENCE
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            while time.monotonic() < end:
                found: dict[str, int] = dict(
                    connection.execute(
                        "SELECT state, count(*) FROM messages WHERE step = 'thank_you' GROUP BY state"
                    ).fetchall()
                )
                if sum(found.values()) == self.orders and set(found) <= {"sent", "failed", "withheld"}:
                    return found
                time.sleep(0.2)
        raise RuntimeError(f"after {PATIENCE:.0f} s: {found} of {self.orders}")

    def mails(self) -> dict[str, int]:
        assert self.sink.stdin
        assert self.sink.stdout
        self.sink.stdin.write("tell\n")
        self.sink.stdin.flush()
        told = json.loads(self.sink.stdout.readline())
        return {"mails": sum(told["hosts"].values()), "different": told["different"]}


def main(old: Path) -> int:
    with stage() as ground:
        run = Run(ground, old)
        try:
            run.command("old", "migrate")
            run.command("old", "shops", "add", SHOP, "--live")
            settings = ground.folder / "settings.json"
            settings.write_text(json.dumps(SETTINGS))
            run.command("old", "shops", "configure", SHOP, "--settings", settings)
            run.start("old")
            run.post("old")
            run.command("new", "migrate")
            said = {"the old web, once the database is newer": run.readiness("old")}
            run.post("old")
            run.start("new")
            said["the new web"] = run.readiness("new")
            run.post("old", "new")
            run.end("old")
            run.post("new")
            said["thank-yous"] = run.settle()
            said["mail"] = run.mails()
            run.end("new")
        finally:
            assert run.sink.stdin
            run.sink.stdin.close()
            run.sink.wait(10)
    for what, found in said.items():
        print(f"{what}: {found}")
    good = said["thank-yous"] == {"sent": run.orders} and set(said["mail"].values()) == {run.orders}
    print("no order was missed and none written to twice" if good else "NOT as it should be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
