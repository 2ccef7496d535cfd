"""`dasi issues` and `dasi requests`: what a shop's customers miss, and the data that they asked for."""

from __future__ import annotations

import argparse
import json
import os

from sqlalchemy.orm import Session

from jobs import checks, environment
from jobs.console import complain, say
from plugin.queues import SEND
from plugin.services.issues import OUTCOMES, NoSuchIssue, close_issue, open_issues
from plugin.services.reports import read_reports
from plugin.services.shops import find_shop
from plugin.store.models.shops import Shop


class _NoShop(Exception):
    """No such shop is registered."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    issues = commands.add_parser("issues", help="parcels that customers miss, and low ratings")
    issues.add_argument("shop", metavar="SHOP")
    issues.add_argument("--close", metavar="ID", type=int, help="close this one")
    issues.add_argument("--as", dest="outcome", choices=OUTCOMES, help="how it ended")
    issues.set_defaults(command=show_issues)

    requests = commands.add_parser("requests", help="the data of customers who asked the shop for it, as JSON lines")
    requests.add_argument("shop", metavar="SHOP")
    requests.set_defaults(command=show_requests)


def show_issues(args: argparse.Namespace) -> int:
    """One line for each open issue: id, order, parcel, since when, the customer's address and words."""
    if (args.close is None) != (args.outcome is None):
        complain(f"--close ID goes with --as {' or '.join(OUTCOMES)}")
        return 2
    ctx = checks.checked_context(environment.load_for_data(os.environ))
    try:
        if args.close is not None:
            with ctx.database.transaction() as session:
                close_issue(session, ctx, _shop(session, args.shop), args.close, args.outcome)
            ctx.queues.nudge(SEND)
            say(f"Issue {args.close} is closed as {args.outcome}.")
            return 0
        with ctx.database.reading() as session:
            for issue in open_issues(session, _shop(session, args.shop)):
                words = " ".join((issue.words or "").split())
                whole = "the whole order" if issue.kind == "not_arrived" else issue.kind.replace("_", " ")
                parcel = issue.parcel_name or whole
                say(f"{issue.id}\t{issue.order_name}\t{parcel}\t{issue.opened_at:%Y-%m-%dT%H:%M:%SZ}\t"
                    f"{issue.email or ''}\t{words}")  # fmt: skip
    except _NoShop as exc:
        complain(str(exc))
        return 2
    except NoSuchIssue:
        complain(f"{args.shop} has no open issue {args.close}")
        return 2
    finally:
        ctx.database.dispose()
        ctx.queues.redis.close()
    return 0


def show_requests(args: argparse.Namespace) -> int:
    """One JSON object for each data request: its id, when it was made, and everything held about the customer."""
    ctx = checks.checked_context(environment.load(os.environ))
    try:
        with ctx.database.reading() as session:
            for request_id, at, report in read_reports(session, ctx, _shop(session, args.shop)):
                line = {"request": request_id, "requested_at": at.isoformat(), "report": report}
                say(json.dumps(line, ensure_ascii=False))
    except _NoShop as exc:
        complain(str(exc))
        return 2
    finally:
        ctx.database.dispose()
    return 0


def _shop(session: Session, domain: str) -> Shop:
    shop = find_shop(session, domain)
    if shop is None:
        raise _NoShop(f"{domain} is not registered: `dasi shops list` shows those that are")
    return shop
