"""`dasi shops`: register a shop by hand, change its settings, list what is registered."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from jobs import checks, environment
from jobs.console import complain, say
from plugin.services.shops import BadShopDomain, UnknownShop, add_shop, configure, legally_named, list_shops


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    shops = commands.add_parser("shops", help="register, configure and list shops")
    verbs = shops.add_subparsers(title="commands", required=True, metavar="COMMAND")

    adding = verbs.add_parser("add", help="register a shop by hand, or change what is given of one")
    adding.add_argument("shop", metavar="SHOP", help="its domain, such as demo.myshopify.com")
    adding.add_argument("--live", action="store_true", help="let messages leave from now on")
    adding.add_argument("--name", help="as customers know it")
    adding.add_argument("--support-email", help="where customers reach the shop")
    adding.add_argument("--legal-name", help="of the merchant, for marketing mail")
    adding.add_argument("--postal-address", help="of the merchant, for marketing mail")
    adding.set_defaults(command=add)

    setting = verbs.add_parser("configure", help="replace a shop's settings")
    setting.add_argument("shop", metavar="SHOP")
    setting.add_argument("--settings", metavar="FILE.json", type=Path, required=True, help="all of its settings")
    setting.set_defaults(command=set_settings)

    verbs.add_parser("list", help="one line for each shop").set_defaults(command=show)


def add(args: argparse.Namespace) -> int:
    ctx = checks.checked_context(environment.load_for_data(os.environ))
    try:
        with ctx.database.transaction() as session:
            shop = add_shop(
                session, ctx, args.shop, args.live, name=args.name, support_email=args.support_email,
                legal_name=args.legal_name, postal_address=args.postal_address,
            )  # fmt: skip
            line = f"{shop.domain} is registered, {'live' if shop.live else 'not live'}."
            nameless = shop.live and not legally_named(shop)
    except BadShopDomain as exc:
        complain(str(exc))
        return 2
    except ValidationError as exc:
        return _refused(exc)
    finally:
        ctx.database.dispose()
    say(line)
    if nameless:
        complain("marketing mail must carry the merchant's legal name and postal address: add --legal-name NAME "
                 "--postal-address ADDRESS, or switch cross_sell and cross_sell_follow_up off")  # fmt: skip
    return 0


def set_settings(args: argparse.Namespace) -> int:
    data = _read(args.settings)
    if data is None:
        return 2
    ctx = checks.checked_context(environment.load_for_data(os.environ))
    try:
        with ctx.database.transaction() as session:
            configure(session, ctx, args.shop, data)
    except UnknownShop:
        complain(f"{args.shop} is not registered: `dasi shops add {args.shop}` registers it")
        return 2
    except ValidationError as exc:
        return _refused(exc)
    finally:
        ctx.database.dispose()
    say(f"{args.shop} has new settings.")
    return 0


def show(_args: argparse.Namespace) -> int:
    ctx = checks.checked_context(environment.load_for_data(os.environ))
    with ctx.database.reading() as session:
        for shop in list_shops(session):
            state = "uninstalled" if shop.uninstalled_at else "live" if shop.live else "not live"
            say(f"{shop.domain}\t{state}\t{shop.code}\t{shop.name or ''}".rstrip())
    ctx.database.dispose()
    return 0


def _read(path: Path) -> dict[str, Any] | None:
    """None after saying what is wrong with the file."""
    try:
        data = json.loads(path.read_text())
    except OSError as exc:
        complain(f"{path} cannot be read: {exc.strerror}")
        return None
    except ValueError as exc:
        complain(f"{path} is not JSON: {exc}")
        return None
    if not isinstance(data, dict):
        complain(f"{path} does not hold an object")
        return None
    return data


def _refused(exc: ValidationError) -> int:
    complain(f"the settings are not right: {json.dumps(exc.messages, ensure_ascii=False)}")
    return 2
