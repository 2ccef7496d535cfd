"""`dasi receipts`: what no worker could process, and running it again."""

from __future__ import annotations

import argparse
import os

from jobs import checks, environment
from jobs.console import complain, say
from plugin.queues import INGEST
from plugin.services.receipts import given_up, run_again


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    receipts = commands.add_parser("receipts", help="webhooks that could not be processed")
    receipts.add_argument("--failed", action="store_true", required=True, help="list what failed or was rejected")
    receipts.add_argument("--retry", action="store_true", help="and have it processed again")
    receipts.set_defaults(command=failed)


def failed(args: argparse.Namespace) -> int:
    """One line for each: id, shop, topic, when it was received, its state and the reason."""
    ctx = checks.checked_context(environment.load_for_data(os.environ))
    ids = []
    try:
        with ctx.database.reading() as session:
            for receipt in given_up(session):
                ids.append(receipt.id)
                at = f"{receipt.received_at:%Y-%m-%dT%H:%M:%SZ}"
                reason = receipt.reason if receipt.body_left else f"{receipt.reason} (its body is gone)"
                say(f"{receipt.id}\t{receipt.shop}\t{receipt.topic}\t{at}\t{receipt.state}: {reason}")
        if args.retry:
            with ctx.database.transaction() as session:
                again = run_again(session, ids)
            if again and not ctx.queues.nudge(INGEST):
                complain("Valkey does not answer; a running clock process will see to it within a second")
            say(f"{again} of {len(ids)} will be processed again.")
    finally:
        ctx.database.dispose()
        ctx.queues.redis.close()
    return 0
