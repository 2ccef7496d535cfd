"""The processes of the benchmarks of sending: each reads the count of a round on a line, works, and answers a line.

`python -m tests.benchmarks.postmen KIND`: `ours` sends what is due; `smtplib` builds the same mails and sends them with
the standard library's smtplib; `stdlib` builds them with the standard library too, in the same encodings; `bare` hands
over finished bytes.
"""

from __future__ import annotations

import email.policy
import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import urlsplit

from jobs.tasks import SEND_BATCH
from plugin.channels.email.mime import Mail, build, message_id
from plugin.channels.email.transport import open_transport
from plugin.config import load
from plugin.services.context import build as build_context
from plugin.services.deliver import Courier, send_due
from tests.benchmarks.sample import sample
from tests.replay.servers import ROOT, clean_environment


class Postman:
    """One such process, from outside."""

    def __init__(self, kind: str, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.postmen", kind], env=clean_environment() | env, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._answer()

    def ask(self, count: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark ended")
        return line

    def answer(self) -> int:
        return int(self._answer())

    def end(self) -> None:
        self.process.stdin and self.process.stdin.close()
        self.process.wait(10)


def rate(postmen: Sequence[Postman], count: int) -> float:
    """Messages a second that they manage together, each told to send its part of `count`."""
    start = time.perf_counter()
    for postman in postmen:
        postman.ask(count // len(postmen))
    done = sum(postman.answer() for postman in postmen)
    return done / (time.perf_counter() - start)


def ours(env: dict[str, str]) -> Callable[[int], int]:
    """However many are due: the count is not looked at."""
    ctx = build_context(load(env))
    courier = Courier(open_transport(ctx.settings.email_url))
    for step in ("thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up"):
        sample(step)

    def work(_: int) -> int:
        taken = 0
        while found := send_due(ctx, courier, SEND_BATCH):
            taken += found
        return taken

    return work


def with_smtplib(env: dict[str, str], written: Callable[[str, int], tuple[str, str, bytes]]) -> Callable[[int], int]:
    """`written`: (step, number) -> (sender, recipient, data)."""
    parts = urlsplit(env["EMAIL_URL"])
    smtp = smtplib.SMTP(parts.hostname or "", parts.port or 25)
    steps = ["thank_you"] * 8 + ["shipped"] * 5 + ["delivered"] * 3 + ["survey"] * 2 + ["cross_sell"] * 2

    def work(count: int) -> int:
        for number in range(count):
            smtp.sendmail(*written(steps[number % len(steps)], number))
        return count

    return work


def with_our_mime(step: str, number: int) -> tuple[str, str, bytes]:
    body, key = sample(step), f"BENCH/post_purchase/{step}/{os.getpid()}{number}/email/0"
    mail = Mail(
        key=key, message_id=message_id(key, "haneul.example"), sender_name="Haneul Tea",
        sender_address="hello@haneul.example", reply_to="help@haneul.example", to=f"customer{number}@mail.example",
        subject=body.subject, text=body.text, html=body.html, feedback_id=f"{step}:post_purchase:transactional:BENCH",
        language="en", date=datetime.now(UTC),
    )  # fmt: skip
    return mail.sender_address, mail.to, build(mail)


def with_stdlib_mime(step: str, number: int) -> tuple[str, str, bytes]:
    body, key = sample(step), f"BENCH/post_purchase/{step}/{os.getpid()}{number}/email/0"
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"] = "Haneul Tea <hello@haneul.example>", f"customer{number}@mail.example"
    mail["Reply-To"], mail["Subject"] = "help@haneul.example", body.subject
    mail["Message-ID"], mail["Date"] = message_id(key, "haneul.example"), datetime.now(UTC)
    mail["Feedback-ID"], mail["X-Entity-Ref-ID"] = f"{step}:post_purchase:transactional:BENCH", key
    mail.set_content(body.text)
    # The same octets in shape: left to itself it would encode the page once more, letter by letter.
    page = body.html.encode("ascii", "xmlcharrefreplace").decode()
    mail.add_alternative(page, subtype="html", cte="7bit")
    return "hello@haneul.example", f"customer{number}@mail.example", mail.as_bytes()


def bare(env: dict[str, str]) -> Callable[[int], int]:
    """Finished bytes over our own transport: what the sink itself can take."""
    transport = open_transport(env["EMAIL_URL"])
    sender, _, data = with_our_mime("thank_you", 0)

    def work(count: int) -> int:
        for number in range(count):
            transport.send(sender, f"customer{number}@mail.example", data)
        return count

    return work


KINDS: dict[str, Callable[[dict[str, str]], Callable[[int], int]]] = {
    "ours": ours,
    "smtplib": lambda env: with_smtplib(env, with_our_mime),
    "stdlib": lambda env: with_smtplib(env, with_stdlib_mime),
    "bare": bare,
}


def main() -> None:
    work = KINDS[sys.argv[1]](dict(os.environ))
    print(0, flush=True)
    for line in sys.stdin:
        print(work(int(line)), flush=True)


if __name__ == "__main__":
    main()
