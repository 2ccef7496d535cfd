"""A stand-in for Dasi that takes every webhook and mails exactly what it is told to, when it is told to.

    python -m tests.replay.puppet PORT SMTP_PORT EXPECTED.json CLOCK_EPOCH CLOCK_START CLOCK_SPEED

It proves that the runner, the sink, the clock and the comparison work before (and without) the app.
"""

from __future__ import annotations

import json
import smtplib
import sys
import threading
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.replay.ledger import moment
from tests.replay.rules import CLASSES


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


def mail(e: dict[str, Any]) -> bytes:
    step, key, korean = e["step"], f"{e['order_id']}-{e['step']}-{e['subject']}", e["language"] == "ko"
    message, kind = EmailMessage(policy=SMTP), CLASSES[e["step"]]
    message["Subject"] = ("(광고) " if korean and kind == "marketing" else "") + f"{step} {e['name']}"
    message["From"], message["To"], message["Reply-To"] = "shop@example.com", e["to"], "help@example.com"
    message["Message-ID"], message["X-Entity-Ref-ID"] = f"<{key}@puppet.example>", key
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Feedback-ID"] = f"{step}:post_purchase:{kind}:puppet"
    if kind != "transactional":
        message["List-Unsubscribe"] = "<https://puppet.example/u/x>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    body = f"{e['name']} " + ("주문해 주셔서 진심으로 감사합니다. " * 5 if korean else "Thank you. ")
    message.set_content(body)
    message.add_alternative(f"<p>{body}</p>", subtype="html")
    return message.as_bytes()


def send_all(expected: list[dict[str, Any]], smtp_port: int, epoch: float, start: float, speed: float) -> None:
    """Each at the moment it is due and known, over one connection."""
    with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        for e in sorted(expected, key=lambda e: max(e["due_at"], e["known_at"])):
            wait = epoch + (max(e["due_at"], e["known_at"]) + 2 - start) / speed - time.time()
            if wait > 0:
                time.sleep(wait)
            smtp.sendmail("shop@example.com", [e["to"]], mail(e))


def main(argv: list[str]) -> None:
    port, smtp_port, path, epoch, start, speed = argv
    expected = [e for e in json.loads(Path(path).read_text()) if e["demanded"]]
    arguments = expected, int(smtp_port), float(epoch), moment(start), float(speed)
    threading.Thread(target=send_all, args=arguments, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Web).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
