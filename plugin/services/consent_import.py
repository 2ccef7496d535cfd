"""Importing consents from a merchant's list: first as a dry run that writes nothing, then for good.

The list is read and kept by the request that brings it. A short one is dealt with at once, a long one in the
background, a part at a time: each part commits together with what it counted and where the import got to. So a kill
costs one part, and nothing happens twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.consent import ConsentWords
from plugin.queues import SEND
from plugin.services import consent_files, errands, plan
from plugin.services.changes import record_change
from plugin.services.consent_csv import Said
from plugin.services.consent_files import Outcome
from plugin.services.consents import consents_of, moment_of, record_consents
from plugin.services.context import Context
from plugin.services.errands import CONSENT_IMPORT, Claimed
from plugin.store.models.imports import ConsentImport
from plugin.store.models.shops import Shop
from schemas.events import Channel, ConsentState

FEW = 4  # parts of a list that is dealt with within the request


class NoSuchImport(LookupError):
    """Not an import of this shop that is still kept."""


class NotTried(Exception):
    """Only a list whose dry run has ended can be imported without being sent again."""


@dataclass(frozen=True, slots=True)
class Import:
    """An import as far as it is: `done` of `parts`, and what came of these. `waiting`: more is to come."""

    id: int
    waiting: bool
    done: int
    parts: int
    outcome: Outcome


def bring_in(ctx: Context, shop_id: int, file: IO[bytes], actor: str, *, dry: bool) -> Import:
    """Keep the list, and deal with it if it is short. Raises UnknownShop and `consent_csv.BadFile`.

    A list may be imported again: the newest word about an address holds, by its own time.
    """
    return _begin(ctx, shop_id, consent_files.store(ctx, shop_id, file, actor, dry=dry))


def go_on(ctx: Context, shop_id: int, import_id: int, actor: str) -> Import:
    """Import for good what was tried. Raises NoSuchImport, NotTried."""
    with ctx.database.transaction() as session:
        row = _locked(session, shop_id, import_id)
        if row.state != "done" or not row.dry:
            raise NotTried
        row.dry, row.state, row.done, row.made_by = False, "waiting", 0, actor
        row.outcome = consent_files.seal(ctx, consent_files.unseal(ctx, row.outcome).again(dry=False))
    return _begin(ctx, shop_id, import_id)


def view(ctx: Context, shop_id: int, import_id: int) -> Import:
    """Raises NoSuchImport."""
    with ctx.database.reading() as session:
        row = consent_files.find(session, shop_id, import_id)
        if row is None:
            raise NoSuchImport(import_id)
        outcome = consent_files.unseal(ctx, row.outcome)
        return Import(row.id, row.state == "waiting", row.done, row.parts, outcome)


def step(ctx: Context, claimed: Claimed) -> None:
    """One part of the shop's oldest list that waits. Raises LostClaim."""
    with ctx.database.transaction() as session:
        waiting = select(ConsentImport).where(
            ConsentImport.shop_id == claimed.shop_id, ConsentImport.state == "waiting"
        )
        row = session.scalars(waiting.order_by(ConsentImport.id).limit(1).with_for_update()).first()
        if row is not None:
            _next_part(session, ctx, row)
        more = row is not None
        errands.proceed(session, claimed, {}, datetime.now(UTC) if more else None, finished=not more)
    if row is None or row.state == "done":
        ctx.queues.nudge(SEND)


def _begin(ctx: Context, shop_id: int, import_id: int) -> Import:
    found = view(ctx, shop_id, import_id)
    if found.parts > FEW:
        with ctx.database.transaction() as session:
            errands.ask(session, shop_id, CONSENT_IMPORT, restart=True)
        return found
    while found.waiting:
        with ctx.database.transaction() as session:
            row = _locked(session, shop_id, import_id)
            if row.state == "waiting":
                _next_part(session, ctx, row)
        found = view(ctx, shop_id, import_id)
    ctx.queues.nudge(SEND)
    return found


def _locked(session: Session, shop_id: int, import_id: int) -> ConsentImport:
    mine = select(ConsentImport).where(ConsentImport.shop_id == shop_id, ConsentImport.id == import_id)
    row = session.scalar(mine.with_for_update())
    if row is None:
        raise NoSuchImport(import_id)
    return row


def _next_part(session: Session, ctx: Context, row: ConsentImport) -> None:
    """Deal with one part, or end it. The import's row is locked, before those of orders and customers."""
    outcome = consent_files.unseal(ctx, row.outcome)
    if row.done < row.parts:
        good = consent_files.lines_of(session, ctx, row, row.done)
        if row.dry:
            _, turned = _weigh(session, row.shop_id, good, outcome)
            shop = session.get_one(Shop, row.shop_id)
            outcome.orders += len(plan.recent_orders(session, ctx, shop, addresses=turned))
        elif good:
            _record(session, ctx, row.shop_id, good, outcome)
        row.done += 1
        row.outcome = consent_files.seal(ctx, outcome)
    if row.done == row.parts:
        row.state = "done"
        if not row.dry:
            consent_files.forget_lines(session, row)
            if outcome.changed:
                after = {"lines": outcome.good, "changed": outcome.changed}
                record_change(session, row.shop_id, row.made_by, "consent_import", None, after, ctx.clock.now())


def _record(session: Session, ctx: Context, shop_id: int, good: list[Said], outcome: Outcome) -> None:
    """The locks of the orders first, as everybody who changes consents takes them."""
    addresses = {line.address for line in good}
    shop = session.get_one(Shop, shop_id)
    orders = plan.recent_orders(session, ctx, shop, addresses=addresses)
    plan.lock_orders(session, orders)
    changed, turned = _weigh(session, shop_id, good, outcome)
    record_consents(session, shop_id, Channel.EMAIL, changed)
    again = plan.recent_orders(session, ctx, shop, addresses=turned) & orders
    if again:
        plan.replan(session, ctx, again)
    outcome.orders += len(again)


def _weigh(
    session: Session, shop_id: int, good: list[Said], outcome: Outcome
) -> tuple[dict[str, ConsentWords], set[str]]:
    """Count what the lines change. Returns the new words by address, and the addresses that now count otherwise."""
    known = consents_of(session, shop_id, {line.address for line in good})
    before: dict[str, ConsentWords] = {}
    now: dict[str, ConsentWords] = {}
    for line in good:
        address = line.address
        if address not in before:
            before[address] = now[address] = known.get(address) or ConsentWords()
        moment = moment_of(line.state, line.source)
        at: datetime | None = getattr(now[address], moment)
        if at is None or at < line.at:
            outcome.changed += 1
            now[address] = replace(now[address], **{moment: line.at})
        if line.state is ConsentState.SUBSCRIBED and now[address].opted_out:
            outcome.kept_out += 1
    changed = {address: words for address, words in now.items() if words != before[address]}
    turned = set()
    for address, words in changed.items():
        old = before[address]
        outcome.may += words.consented and not old.consented
        outcome.may_not += old.consented and not words.consented
        if (words.consented, words.opted_out) != (old.consented, old.opted_out):
            turned.add(address)
    return changed, turned
