"""Send rates, kept in the database so that all workers share them. Machine time, by the database's clock.

The provider's holds everything back; a shop's own and a new domain's warm-up hold only service and marketing mail back,
and only that is counted in them: news of an order never waits for them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.domain import rates
from plugin.domain.rates import DAY, HOUR, SECOND, Quota
from plugin.services.compose import sender_of
from plugin.services.context import Context
from plugin.store.models.messages import SendQuota
from plugin.store.models.shops import Shop
from plugin.store.session import database_now
from plugin.store.upserts import add_missing
from schemas.settings import ShopSettings

PROVIDER = "provider:email"


def of_provider(ctx: Context, wanted: int) -> int:
    """Take room for at most `wanted` messages out of this second; `give_back` what is not used."""
    allowance = ctx.settings.email_max_per_second
    if allowance is None or not wanted:
        return wanted
    with ctx.database.transaction() as session:
        now, row = _locked(session, PROVIDER)
        quota, granted = rates.take(rates.current(_quota(row), now, SECOND), allowance, wanted)
        _keep(row, quota)
    return granted


def give_back(ctx: Context, count: int) -> None:
    """Room of the provider's that nobody needed."""
    if ctx.settings.email_max_per_second is None or count <= 0:
        return
    q = SendQuota
    with ctx.database.transaction() as session:
        session.execute(update(q).where(q.key == PROVIDER, q.used >= count).values(used=q.used - count))


def limited(ctx: Context, settings: ShopSettings) -> bool:
    """Whether service and marketing mail of this shop may be held back."""
    return settings.max_per_hour is not None or ctx.settings.email_warm_up is not None


def hold_back(session: Session, ctx: Context, shop: Shop, settings: ShopSettings) -> tuple[timedelta, str] | None:
    """How long one service or marketing message must wait, and why; None when it may leave, which is counted.

    Holds the quotas' rows until the transaction ends: they come after every other lock.
    """
    if settings.max_per_hour is not None:
        wait = _take_one(session, f"shop:{shop.id}", HOUR, settings.max_per_hour)
        if wait:
            return wait, "the shop's hourly limit"
    if ctx.settings.email_warm_up is not None:
        domain = sender_of(shop, settings).address.rpartition("@")[2].lower()
        wait = _take_one(session, f"domain:{domain}"[:300], DAY, ctx.settings.email_warm_up, ramp=True)
        if wait:
            return wait, "a new sending domain is warmed up"
    return None


def _take_one(session: Session, key: str, length: timedelta, allowance: int, ramp: bool = False) -> timedelta | None:
    now, row = _locked(session, key)
    most = rates.warm_up_allowance(row.first_at, now, allowance) if ramp else allowance
    if most is None:
        return None
    quota, granted = rates.take(rates.current(_quota(row), now, length), most, 1)
    until = None
    if not granted:
        quota, until = rates.put_off(quota, most, length)
    _keep(row, quota)
    return until - now if until else None


def _locked(session: Session, key: str) -> tuple[datetime, SendQuota]:
    found = select(SendQuota).where(SendQuota.key == key).with_for_update()
    row = session.scalar(found)
    if row is None:
        now = database_now(session)
        fresh = {"key": key, "first_at": now, "window_at": rates.NEVER, "used": 0, "put_off": 0}
        add_missing(session, SendQuota, [fresh], ["key"])
        row = session.scalars(found).one()
    return database_now(session), row


def _quota(row: SendQuota) -> Quota:
    return Quota(row.window_at, row.used, row.put_off)


def _keep(row: SendQuota, quota: Quota) -> None:
    row.window_at, row.used, row.put_off = quota.window_at, quota.used, quota.put_off
