"""Plays real orders into the whole product and checks every message at the sink against the oracle.

    python -m tests.replay.run --database sqlite|postgres [--orders 500 --days 21 --speed 2000 --seed 7]

Needs the shared folder (DASI_SHARED, default ../shared) and the extra `twin`. Exit code 0: every demanded message
arrived in time and nothing else did; 1: an offence, listed in the report (`--report`); 2: some part did not run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from tests.replay.compare import judge, lines, table, told
from tests.replay.ledger import DAY, moment, read_ledger, read_subscribers, readable
from tests.replay.mails import Arrival, arrival_of
from tests.replay.oracle import Expected, expect
from tests.replay.servers import ROOT, SECRET, SHOP, Broken, Servers, free_port

AFTER_LIFE = 10 + 7 + 14  # days after the last order in which something may still happen
LEDGER_PROGRAM = """
import sys; from pathlib import Path; from datetime import datetime; from twin import replay
path, orders, seed, shop, start, days, duplicate, shuffle = sys.argv[1:]
lives = replay.make_lives(replay.DATA, int(orders), int(seed), shop, datetime.fromisoformat(start), float(days))
deliveries = replay.schedule(lives, int(seed), float(duplicate), float(shuffle), 0.0)
replay.write_ledger(Path(path), lives, deliveries)
"""


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.replay.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--days", type=float, default=21, help="orders are placed over so many virtual days")
    parser.add_argument("--speed", type=float, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--duplicate", type=float, default=0.1)
    parser.add_argument("--shuffle", type=float, default=0.1)
    parser.add_argument("--start", default="2026-11-02T09:00:00+00:00", help="the virtual time of the epoch")
    parser.add_argument("--tolerance", type=float, default=2.0, help="real seconds that a message may take")
    parser.add_argument("--lead", type=float, default=25, help="real seconds for everything to start in")
    parser.add_argument("--cutoff-days", type=float, help=f"look no further than this; default days + {AFTER_LIFE}")
    parser.add_argument("--to-the-end", action="store_true", help="watch until the cut-off in any case")
    parser.add_argument("--plainest", action="store_true", help="allow only the plainest reading of the design")
    parser.add_argument("--mixtures", type=int, default=100, help="random lives that the oracle plays of each customer")
    parser.add_argument("--app", choices=("dasi", "puppet", "dummy"), default="dasi", help="or a stand-in")
    parser.add_argument("--report", type=Path, help="where to write the JSON report")
    parser.add_argument("--folder", type=Path, help="for logs and data; default a temporary one")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DASI_SHARED", ROOT.parent / "shared")))
    return parser.parse_args(argv)


class Replay:
    """One run: the oracle first, since the same seed and start give the same ledger, then the play."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.args, self.folder, self.epoch = args, folder, 0.0
        self.start, self.tolerance = moment(args.start), max(60.0, args.tolerance * args.speed)
        self.cutoff = self.start + (args.cutoff_days or args.days + AFTER_LIFE) * DAY
        self.servers = Servers(folder, args.shared.resolve())
        self.problems: list[str] = []

    def foresee(self) -> list[Expected]:
        """Write the ledger and ask the oracle."""
        a, path = self.args, self.folder / "ledger.jsonl"
        self.servers.run(
            "ledger",
            [
                sys.executable,
                "-c",
                LEDGER_PROGRAM,
                path,
                a.orders,
                a.seed,
                SHOP,
                a.start,
                a.days,
                a.duplicate,
                a.shuffle,
            ],
            {"PYTHONPATH": str(self.servers.shared)},
        )
        expected = expect(
            read_ledger(path),
            read_subscribers(path),
            tolerance=self.tolerance,
            cutoff=self.cutoff,
            mixtures=a.mixtures,
            readings=not a.plainest,
        )
        (self.folder / "expected.json").write_text(json.dumps([asdict(e) for e in expected], indent=1))
        return expected

    def virtual(self, real: float) -> float:
        speed: float = self.args.speed
        return self.start + (real - self.epoch) * speed

    def start_app(self, email_url: str) -> None:
        """Start everything and the replay, all before the epoch."""
        port, smtp = free_port(), email_url.rpartition(":")[2]
        self.url = f"http://127.0.0.1:{port}"
        database = self.servers.postgres() if self.args.database == "postgres" and self.args.app == "dasi" else None
        self.epoch = time.time() + self.args.lead
        env = {
            "DATA_DIR": str(self.folder / "data"),
            "PUBLIC_URL": self.url,
            "EMAIL_URL": email_url,
            "SHOPIFY_API_KEY": "replay-key",
            "SHOPIFY_API_SECRET": SECRET,
            "CLOCK_EPOCH": repr(self.epoch),
            "CLOCK_START": self.args.start,
            "CLOCK_SPEED": repr(self.args.speed),
        } | ({"DATABASE_URL": database} if database else {})
        probe = "/readyz"
        if self.args.app == "dasi":
            dasi = Path(sys.executable).parent / "dasi"
            self.servers.run("migrate", [dasi, "migrate"], env)
            self.servers.run("shops", [dasi, "shops", "add", SHOP, "--live"], env)
            app = self.servers.start("app", [dasi, "up", "--port", port], env)
        elif self.args.app == "puppet":
            clock = repr(self.epoch), self.args.start, self.args.speed
            app = self.servers.start(
                "app", [sys.executable, "-m", "tests.replay.puppet", port, smtp, self.folder / "expected.json", *clock]
            )
        else:
            probe = "/state"
            app = self.servers.start(
                "app",
                [sys.executable, "-m", "twin.dummy", port, SECRET, smtp, "token"],
                {"PYTHONPATH": str(self.servers.shared)},
            )
        self.app = app
        self.servers.until(
            "app",
            app,
            lambda: requests.get(self.url + probe, timeout=2).status_code == 200,
            max(5.0, self.epoch - time.time()),
        )
        self.env = env
        self.start_replay()

    def start_replay(self) -> None:
        a, ledger = self.args, self.folder / "played.jsonl"
        self.player = self.servers.start(
            "replay",
            [
                sys.executable,
                "-m",
                "twin.replay",
                "--app-url",
                self.url,
                "--secret",
                SECRET,
                "--shop",
                SHOP,
                "--orders",
                a.orders,
                "--seed",
                a.seed,
                "--days",
                a.days,
                "--clock-epoch",
                repr(self.epoch),
                "--clock-start",
                a.start,
                "--clock-speed",
                a.speed,
                "--duplicate",
                a.duplicate,
                "--shuffle",
                a.shuffle,
                "--ledger",
                ledger,
            ],
            {"PYTHONPATH": str(self.servers.shared)},
        )
        same = (self.folder / "ledger.jsonl").stat().st_size
        self.servers.until("replay", self.player, lambda: ledger.exists() and ledger.stat().st_size >= same, 60)
        if ledger.read_bytes() != (self.folder / "ledger.jsonl").read_bytes():
            raise Broken("the replay's ledger is not the one that the oracle read")
        if time.time() > self.epoch:
            raise Broken(f"ready {time.time() - self.epoch:.1f} s after the epoch: raise --lead")

    def watch(self, sink: str, expected: list[Expected]) -> None:
        """Until nothing more is due, or the cut-off."""
        last = max((e.deadline for e in expected), default=self.start) + self.tolerance
        end = self.cutoff if self.args.to_the_end else min(self.cutoff, last + max(DAY, 3 * self.args.speed))
        shown = 0.0
        while (now := self.virtual(time.time())) < end:
            if self.app.poll() is not None:
                self.problems.append(f"the app ended by itself with {self.app.returncode}")
                return
            if time.monotonic() - shown > 15:
                shown, due = time.monotonic(), sum(e.demanded and e.deadline <= now for e in expected)
                count = requests.get(f"{sink}/messages?limit=0", timeout=30).json()["count"]
                print(f"{readable(now)}: {count} messages at the sink, {due} by now demanded", flush=True)
            time.sleep(min(1.0, max(0.05, (end - now) / self.args.speed)))

    def collect(self, sink: str) -> list[Arrival]:
        with requests.Session() as session:
            listed = session.get(f"{sink}/messages?limit=10000000", timeout=60).json()["messages"]
            full = (session.get(f"{sink}/messages/{m['id']}", timeout=30).json() for m in listed)
            return [arrival_of(message, self.virtual) for message in full]

    def wind_down(self) -> dict[str, Any]:
        """End the replay and the app, and note how that went; the replay's own summary."""
        summary: dict[str, Any] = {}
        if self.player.poll() is None:
            self.servers.end("replay", 5)
        elif self.player.returncode:
            self.problems.append(f"the replay ended with {self.player.returncode}: {self.servers.tail('replay', 400)}")
        else:
            summary = json.loads(self.servers.tail("replay").strip().rsplit("\n", 1)[-1])
            if summary["given_up"]:
                self.problems.append(f"{summary['given_up']} webhooks were refused to the end")
        if self.args.app == "dasi" and self.app.poll() is None:
            try:
                self.servers.run("receipts", [Path(sys.executable).parent / "dasi", "receipts", "--failed"], self.env)
                summary["failed_receipts"] = self.servers.tail("receipts")
            except Broken as exc:
                self.problems.append(str(exc))
            if not self.servers.end("app"):
                self.problems.append("the app did not end within 20 s of Ctrl-C")
        return summary

    def go(self) -> dict[str, Any]:
        try:
            expected = self.foresee()
            must = sum(e.demanded for e in expected)
            print(
                f"{must} messages demanded, {len(expected) - must} more allowed, the last by "
                f"{readable(max(e.deadline for e in expected))}",
                flush=True,
            )
            email_url, sink = self.servers.sink()
            self.start_app(email_url)
            self.watch(sink, expected)
            horizon = min(self.virtual(time.time()), self.cutoff)
            arrivals, summary = self.collect(sink), self.wind_down()
        finally:
            self.servers.end_all()
        slack = max(2.0, 0.002 * self.args.speed)
        result = judge(expected, arrivals, tolerance=self.tolerance, slack=slack, cutoff=horizon)
        rows = table(result, expected, self.tolerance, self.args.speed)
        return {
            "clean": result.clean and not self.problems,
            "problems": self.problems,
            "settings": {k: str(v) for k, v in vars(self.args).items()},
            "finished": datetime.now(UTC).isoformat(),
            "until": readable(horizon),
            "replay": summary,
            "steps": rows,
            "offences": result.offences,
            "doubtful": [told(e, a) for e, a in result.pairs if not e.demanded] + [told(e) for e in result.forgone],
        }


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="dasi-replay-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = args.report or folder / "report.json"
    try:
        report = Replay(args, folder).go()
    except (Broken, subprocess.SubprocessError, requests.RequestException) as exc:
        print(f"could not run: {exc}\nlogs in {folder}", file=sys.stderr)
        return 2
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    print("\n".join(lines(report["steps"])))
    for problem in report["problems"]:
        print("PROBLEM", problem)
    for kind, offences in report["offences"].items():
        for offence in offences[:3]:
            print(kind, json.dumps(offence, ensure_ascii=False))
    if report["replay"]:
        print("replay:", json.dumps(report["replay"]))
    print(f"{'clean' if report['clean'] else 'NOT CLEAN'}; report {path}, logs in {folder}")
    return 0 if report["clean"] else 1


if __name__ == "__main__":
    sys.exit(main())
