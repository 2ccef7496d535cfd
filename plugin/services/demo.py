"""What the demo's page and its driver do: register the shop, write deeds into its books, do them, deliver its webhooks.

Nothing here writes an order, a parcel or a message: those come in through /webhooks/shopify like any shop's.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plugin.config import Settings
from plugin.platforms.demo import catalogue
from plugin.platforms.demo.books import BookStore, Deed
from plugin.platforms.demo.deeds import Shopkeeper
from plugin.platforms.demo.webhooks import MAX_TRIES, Courier
from plugin.services import demo_clock, shops
from plugin.services.context import Context

SHOP_PAGES = "/demo/shop"
DELIVERED_AT_ONCE = 20  # webhooks in one turn of the driver
REAL_TIME = 1.0
STORY_SPEED = 21_600.0
# The story: what happens how long after the order. The last entry lets the clock go back to real time.
STORY: tuple[tuple[timedelta, str, dict[str, Any]], ...] = (
    (timedelta(days=1), "ship", {"parcels": "one", "carrier": "CJ Logistics"}),
    (timedelta(days=1, hours=9), "carrier", {"status": "in_transit"}),
    (timedelta(days=3, hours=20), "carrier", {"status": "out_for_delivery"}),
    (timedelta(days=4), "carrier", {"status": "delivered"}),
    (timedelta(days=11), "rest", {}),
)

log = logging.getLogger(__name__)


def inbox_folder(settings: Settings) -> Path:
    return settings.data_dir / "demo" / "inbox"


def register_shop(ctx: Context) -> None:
    """Register the demo shop, live and with settings; new books when the database did not know it."""
    public_url = ctx.settings.public_url
    with ctx.database.transaction() as session:
        shop = shops.find_shop(session, catalogue.DOMAIN)
        if shop is None:
            shop = shops.add_shop(session, ctx, catalogue.DOMAIN, live=True, name=catalogue.NAME)
            shops.configure(session, ctx, catalogue.DOMAIN, shop_settings(public_url))
            BookStore(ctx.settings.data_dir).forget()
            return
        help_url = (shop.settings.get("support") or {}).get("help_url") or ""
        told = help_url.removesuffix(f"{SHOP_PAGES}/help")
        if told not in (help_url, public_url):  # our own page, under last time's address
            moved = json.loads(json.dumps(shop.settings).replace(f"{told}/", f"{public_url}/"))
            shops.configure(session, ctx, catalogue.DOMAIN, moved)


def shop_settings(public_url: str) -> dict[str, Any]:
    pages = f"{public_url}{SHOP_PAGES}"
    return {
        "support": {"email": catalogue.EMAIL, "phone": catalogue.PHONE, "hours": catalogue.HOURS,
                    "help_url": f"{pages}/help"},
        "brand": {"colour": catalogue.COLOUR, "logo_url": f"{public_url}/static/demo/logo.png",
                  "legal_name": catalogue.LEGAL_NAME, "postal_address": catalogue.POSTAL_ADDRESS},
        "sender": {"name": catalogue.NAME, "email": catalogue.EMAIL},
        "how_to": {str(item.id): f"{pages}/how-to/{item.handle}" for item in catalogue.PRODUCTS},
        "delivery_days": 7,
        "language": "en",
    }  # fmt: skip


def open_shop(ctx: Context) -> None:
    """Put the shop's opening news into the outbox; the driver delivers them as soon as the web answers."""
    with ctx.database.reading() as session:
        shop = shops.find_shop(session, catalogue.DOMAIN)
        row = demo_clock.read_clock(session)
    if shop is not None and row is not None:
        with BookStore(ctx.settings.data_dir).changing() as books:
            Shopkeeper(books, ctx.settings.public_url).open(row.now, shop.installed_at)


# -- what a visitor does ----------------------------------------------------------------------------------------------


def place_order(ctx: Context, store: BookStore, order: dict[str, Any]) -> int:
    """Write down an order: {"name", "language", "newsletter", "parcels", "products": [handle …]}. Returns its id."""
    with store.changing() as books:
        order_id = books.take_id()
        books.deeds.append(Deed(ctx.clock.now(), "place", order_id, order))
    return order_id


def play_story(ctx: Context, store: BookStore, language: str) -> int:
    """An order that is placed now, ships after a day and arrives after three more, with a fast clock."""
    now = ctx.clock.now()
    with store.changing() as books:
        order_id = books.take_id()
        people = catalogue.PEOPLE[language]
        played = sum(1 for order in books.orders if order["customer_locale"] == catalogue.LOCALES[language])
        waiting = sum(1 for deed in books.deeds if deed.kind == "place")
        products = ["sejak-green-tea", "moon-jar-mug"] if language == "en" else ["celadon-teapot", "hwangcha"]
        order = {
            "name": people[(played + waiting) % len(people)], "language": language, "newsletter": True,
            "parcels": "one", "products": products,
        }  # fmt: skip
        books.deeds.append(Deed(now, "place", order_id, order))
        books.deeds += [Deed(now + after, kind, order_id, dict(details)) for after, kind, details in STORY]
    demo_clock.set_speed(ctx, STORY_SPEED)
    return order_id


def add_deed(ctx: Context, store: BookStore, kind: str, order_id: int, details: dict[str, Any]) -> bool:
    """Write down a deed for now. False when the shop has no such order."""
    with store.changing() as books:
        if books.order(order_id) is None:
            return False
        books.deeds.append(Deed(ctx.clock.now(), kind, order_id, details))
    return True


# -- what the driver does ---------------------------------------------------------------------------------------------


def do_due_deeds(ctx: Context, store: BookStore, now: datetime) -> None:
    """Do, in their order, the deeds whose time has come. One that fails is logged and not tried again."""
    upcoming = store.read().next_deed()
    if upcoming is None or upcoming.at > now:
        return
    rest = False
    with store.changing() as books:
        due = sorted((deed for deed in books.deeds if deed.at <= now), key=lambda deed: deed.at)
        books.deeds = [deed for deed in books.deeds if deed.at > now]
        keeper = Shopkeeper(books, ctx.settings.public_url)
        for deed in due:
            if deed.kind == "rest":
                rest = not books.deeds  # another story may still be running
                continue
            try:
                keeper.do(deed, deed.at)
            except Exception:
                log.exception("demo_deed_failed", extra={"kind": deed.kind, "order": deed.order_id})
    if rest:
        demo_clock.set_speed(ctx, REAL_TIME)


def deliver_webhooks(store: BookStore, courier: Courier) -> bool:
    """Deliver what waits in the outbox, in order. False when one was not accepted: try again in a while."""
    accepted: set[str] = set()
    refused: str | None = None
    complete = True
    for hook in store.read().outbox[:DELIVERED_AT_ONCE]:
        answer = courier.deliver(hook)
        if not answer:
            complete = False
            refused = hook.id if answer is False else None
            break
        accepted.add(hook.id)
    if accepted or refused:
        with store.changing() as books:
            for hook in books.outbox:
                hook.tries += hook.id == refused
            books.outbox = [hook for hook in books.outbox if hook.id not in accepted and hook.tries < MAX_TRIES]
    return complete
