"""The sender's domain is looked up in the background, and what its DNS said is kept with its moment."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete

from plugin.domain.addresses import normalise_email
from plugin.domain.sender_dns import UNREACHABLE, look_up
from plugin.queues import SEND, SHOPS
from plugin.services import errands, sender_check
from plugin.services.context import Context
from plugin.services.errands import Claimed
from plugin.services.settings_change import locked_shop
from plugin.services.shops import shop_of
from plugin.store.models.senders import SenderDomain
from plugin.store.upserts import insert_for
from schemas.settings import load_settings

DAILY, SOON = timedelta(days=1), timedelta(hours=1)


def step(ctx: Context, claimed: Claimed) -> None:
    """Look the domain up once, without a session held; again after a day, or soon where the DNS was away."""
    with ctx.database.reading() as session:
        settings = load_settings(shop_of(session, claimed.shop_id).settings)
    address = normalise_email(settings.sender.email)
    if address is None:
        with ctx.database.transaction() as session:
            session.execute(delete(SenderDomain).where(SenderDomain.shop_id == claimed.shop_id))
            errands.proceed(session, claimed, {}, None, finished=True)
        return
    domain, host = address.rpartition("@")[2], urlsplit(ctx.settings.email_url or "").hostname
    found = look_up(ctx.txt_asker(), domain, host)
    now = datetime.now(UTC)
    values = {"domain": domain, "looked_at": now, "found": [asdict(record) for record in found]}
    away = all(record.state == UNREACHABLE for record in found)
    with ctx.database.transaction() as session:
        statement = insert_for(session, SenderDomain).values(shop_id=claimed.shop_id, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["shop_id"], set_=values))
        errands.proceed(session, claimed, {}, now + (SOON if away else DAILY), finished=True)


def ask_again(ctx: Context, shop_id: int) -> bool:
    """The merchant wants the link mailed (again). False when that is not possible now. Raises UnknownShop."""
    with ctx.database.transaction() as session:
        settings = load_settings(locked_shop(session, shop_id).settings)
        asked = bool(settings.sender.email) and sender_check.ask(session, shop_id, settings.sender.email or "")
        errands.ask(session, shop_id, errands.SENDER)
    ctx.queues.nudge(SEND)
    ctx.queues.nudge(SHOPS)
    return asked


def look_again(ctx: Context, shop_id: int) -> None:
    with ctx.database.transaction() as session:
        errands.ask(session, shop_id, errands.SENDER)
    ctx.queues.nudge(SHOPS)
