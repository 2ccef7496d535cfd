"""From what a platform told to facts and plans, whichever way it was told: by webhooks or by the answer of an API."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from plugin.services.batch import Batch, LockAgain, Refs, Told, add_stubs, lock, refs_of
from plugin.services.context import Context
from plugin.services.erase import buried, erase_shop
from plugin.services.facts import apply
from plugin.services.facts.customers import record_words
from plugin.services.facts.orders import record_purchases
from plugin.services.facts.redemptions import record_redemptions
from plugin.services.plan import keep_shops, plan_orders, recent_orders
from plugin.services.races import lost_a_race
from plugin.services.shops import UnknownShop, shop_of
from plugin.store.session import Database

TRIES = 5  # at a batch whose locks were not to be had

log = logging.getLogger(__name__)


def open_batch(ctx: Context, session: Session, shop_id: int, told: Iterable[Told]) -> Batch:
    """Lock the shop (a share of it) and every row that this is about. Raises LockAgain, UnknownShop."""
    refs = refs_of(told)
    _add_stubs(ctx.database, session, shop_id, refs)
    shops = keep_shops(session, [shop_id])
    if not shops:
        raise UnknownShop(shop_id)
    batch = Batch(ctx, session, shops[0], ctx.clock.now())
    lock(batch, refs)
    return batch


def settle(batch: Batch, told: Iterable[Told]) -> None:
    """Make it facts and plan what they change. The caller commits."""
    session, ctx, shop = batch.session, batch.ctx, batch.shop
    for receipt in told:
        for event in receipt.events:
            apply.apply(batch, receipt, event)
    record_words(batch)
    record_purchases(batch)
    record_redemptions(batch)
    session.flush()
    if batch.replan_customers or batch.replan_addresses:
        batch.replan |= recent_orders(
            session, ctx, shop, customers=batch.replan_customers, addresses=batch.replan_addresses
        )
    if batch.replan:
        plan_orders(session, ctx, shop, batch.replan)
    if batch.erase_shop:
        session.flush()
        erase_shop(session, ctx, shop)


def feed(ctx: Context, shop_id: int, told: Sequence[Told], also: Callable[[Session], None]) -> None:
    """What an API answered, in one transaction together with `also`. People and orders that were erased stay so.

    Raises UnknownShop, LockAgain, and what `also` raises: then nothing of it is kept.
    """
    for _ in range(TRIES):
        try:
            with ctx.database.reading() as session:
                known = _not_erased(session, ctx, shop_of(session, shop_id).code, told)
            with ctx.database.transaction() as session:
                batch = open_batch(ctx, session, shop_id, known)
                settle(batch, _not_erased(session, ctx, batch.shop.code, known))  # as it is now, under the locks
                also(session)
                return
        except LockAgain:
            continue
        except OperationalError as exc:
            if not lost_a_race(exc):
                raise
            log.info("feed_lost_a_race")
    raise LockAgain


def _not_erased(session: Session, ctx: Context, code: str, told: Sequence[Told]) -> list[Told]:
    subjects = [_subjects(one) for one in told]
    everybody = {ref for customers, _ in subjects for ref in customers}
    everything = {ref for _, orders in subjects for ref in orders}
    if not buried(session, ctx, code, everybody, everything):
        return list(told)
    return [
        one for one, (customers, orders) in zip(told, subjects, strict=True)
        if not buried(session, ctx, code, customers, orders)
    ]  # fmt: skip


def _subjects(told: Told) -> tuple[set[str], set[str]]:
    """The customers and orders that it speaks of, by the platform's ids."""
    customers = {getattr(event, "customer_id", None) for event in told.events}
    orders = {getattr(event, "order_id", None) for event in told.events}
    return {ref for ref in customers if ref}, {ref for ref in orders if ref}


def _add_stubs(database: Database, session: Session, shop_id: int, refs: Refs) -> None:
    if not refs.rows:
        return
    if database.is_sqlite:
        add_stubs(session, shop_id, refs)
        return
    # In a transaction of its own: whoever inserts must not hold locks that others' insertions wait for. The database
    # does not see that we wait for it, so it could not tell a deadlock: it waits for nobody long.
    with database.transaction() as separate:
        separate.execute(text("SET LOCAL lock_timeout = '3s'"))
        add_stubs(separate, shop_id, refs)
