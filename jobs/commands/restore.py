"""`dasi after-restore`: run once after the database was put back to an older state, before any worker starts."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from jobs import checks, environment
from jobs.console import complain, say
from plugin.services.restore import GAP, after_restore


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("after-restore", help="after a restore: nothing that may have left leaves again")
    helps = {
        "until": "when the last worker stopped sending, e.g. 2026-11-22T05:10:00Z",
        "sent": "Message-IDs that the mail server accepted, one a line: these are known to have left",
        "again": "let transactional and service mail of the lost time go again, with the same Message-ID",
    }
    command.add_argument("--until", metavar="TIME", required=True, type=_moment, help=helps["until"])
    command.add_argument("--sent", metavar="FILE", type=Path, help=helps["sent"])
    command.add_argument("--again", action="store_true", help=helps["again"])
    command.add_argument("--gap", type=int, default=GAP, help=f"message ids left free (default {GAP:,})")
    command.set_defaults(command=settle)


def settle(args: argparse.Namespace) -> int:
    """0: nothing leaves twice. 1: no gap could be left in the ids; a line says what that means."""
    try:
        left = args.sent.read_text().split() if args.sent else []
    except (OSError, UnicodeDecodeError) as exc:
        complain(f"{args.sent} cannot be read ({type(exc).__name__})")
        return 2
    if args.gap < 1:
        complain("--gap must be above 0")
        return 2
    ctx = checks.checked_context(environment.load_for_data(os.environ))
    try:
        if args.until > ctx.clock.now():
            complain("--until lies in the future: give the time at which the last worker stopped")
            return 2
        found = after_restore(ctx, args.until, again=args.again, left=left, gap=args.gap)
    finally:
        ctx.database.dispose()
    say(f"{found.sent} messages are recorded as sent. {found.unknown} may have left, and will not leave again.")
    if not found.gap:
        complain("no gap could be left in the message ids: links in mails of the lost time may mean other messages")
        return 1
    return 0


def _moment(words: str) -> datetime:
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise argparse.ArgumentTypeError("a time looks like 2026-11-22T05:10:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
