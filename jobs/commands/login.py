"""`dasi login`: a one-time link to a shop's pages, for development and for shops without an embedded admin."""

from __future__ import annotations

import argparse
import os

from jobs import checks, environment
from jobs.console import complain, say
from plugin.services.logins import LINK_LIFE, make_link
from plugin.services.shops import find_shop


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    login = commands.add_parser("login", help="print a one-time link to a shop's pages")
    login.add_argument("shop", metavar="SHOP", help="its domain, such as demo.myshopify.com")
    login.set_defaults(command=print_link)


def print_link(args: argparse.Namespace) -> int:
    """One line with the link, which holds for 15 minutes and works once."""
    settings = environment.load_for_data(os.environ)
    ctx = checks.checked_context(settings)
    try:
        with ctx.database.transaction() as session:
            shop = find_shop(session, args.shop.strip())
            if shop is None or shop.uninstalled_at:
                complain(f"{args.shop} is not registered: `dasi shops list` shows those that are")
                return 2
            token = make_link(session, shop.id, "command")
    finally:
        ctx.database.dispose()
    say(f"{settings.public_url}/login/{token}")
    complain(f"the link works once, for {int(LINK_LIFE.total_seconds() // 60)} minutes")
    return 0
