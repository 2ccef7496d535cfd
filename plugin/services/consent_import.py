"""Importing consents from a merchant's list: first as a dry run that writes nothing, then for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO

from sqlalchemy.orm import Session

from plugin.domain.consent import ConsentWords
from plugin.domain.zones import zone_for
from plugin.queues import SEND
from plugin.services import plan
from plugin.services.changes import record_change
from plugin.services.consent_csv import Said, Wrong, read_consents
from plugin.services.consents import consents_of, moment_of, record_consents
from plugin.services.context import Context
from plugin.services.shops import shop_of
from plugin.store.models.shops import Shop
from schemas.events import Channel, ConsentState

AT_ONCE = 500  # lines of one transaction
NAMED = 100  # wrong lines that are named one by one


@dataclass
class Outcome:
    """What an import did, or what it would do. `lines` = `good` + `wrong`; `named`: the first of the wrong ones.

    `changed`: lines that say something new. Of their addresses: `may` may get marketing from now on, `may_not` may no
    longer, `kept_out` unsubscribed after what the line says and stay so. `orders`: planned anew.
    """

    dry: bool
    lines: int = 0
    wrong: int = 0
    named: list[Wrong] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)  # of the good lines
    changed: int = 0
    may: int = 0
    may_not: int = 0
    kept_out: int = 0
    orders: int = 0

    @property
    def good(self) -> int:
        return self.lines - self.wrong


def import_consents(ctx: Context, shop_id: int, file: IO[bytes], actor: str, *, dry: bool) -> Outcome:
    """Read the whole list; unless `dry`, record each batch of lines and plan the orders concerned anew, and commit it.

    A list may be imported again, and one that was broken off is taken up by importing it again: the newest word about
    an address holds, by its own time, so nothing happens twice. Raises UnknownShop and `consent_csv.BadFile`.
    """
    now = ctx.clock.now()
    with ctx.database.reading() as session:
        shop = shop_of(session, shop_id)
        zone = zone_for(None, shop.timezone)
    outcome = Outcome(dry)
    said_before: dict[int, ConsentWords] = {}  # by the dry run, which has no table to keep it in
    for batch in _batches(read_consents(file, zone, now)):
        good = _sort_out(batch, outcome)
        if dry:
            with ctx.database.reading() as session:
                _, turned = _weigh(session, shop_id, good, outcome, said_before)
                outcome.orders += len(plan.recent_orders(session, ctx, shop, addresses=turned))
        elif good:
            _record(ctx, shop_id, good, outcome)
    if not dry and outcome.changed:
        with ctx.database.transaction() as session:
            after = {"lines": outcome.good, "changed": outcome.changed}
            record_change(session, shop_id, actor, "consent_import", None, after, now)
        ctx.queues.nudge(SEND)
    return outcome


def _batches(lines: Iterable[Said | Wrong]) -> Iterator[list[Said | Wrong]]:
    batch: list[Said | Wrong] = []
    for line in lines:
        batch.append(line)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _sort_out(batch: Iterable[Said | Wrong], outcome: Outcome) -> list[Said]:
    good = []
    for line in batch:
        outcome.lines += 1
        if isinstance(line, Said):
            outcome.states[str(line.state)] += 1
            good.append(line)
            continue
        outcome.wrong += 1
        if len(outcome.named) < NAMED:
            outcome.named.append(line)
    return good


def _record(ctx: Context, shop_id: int, good: list[Said], outcome: Outcome) -> None:
    """One transaction: the locks of the orders first, as everybody who changes consents takes them."""
    addresses = {line.address for line in good}
    with ctx.database.transaction() as session:
        shop = session.get_one(Shop, shop_id)
        orders = plan.recent_orders(session, ctx, shop, addresses=addresses)
        plan.lock_orders(session, orders)
        changed, turned = _weigh(session, shop_id, good, outcome, {})
        record_consents(session, shop_id, Channel.EMAIL, changed)
        again = plan.recent_orders(session, ctx, shop, addresses=turned) & orders
        if again:
            plan.replan(session, ctx, again)
        outcome.orders += len(again)


def _weigh(
    session: Session, shop_id: int, good: list[Said], outcome: Outcome, said_before: dict[int, ConsentWords]
) -> tuple[dict[str, ConsentWords], set[str]]:
    """Count what the lines change. Returns the words of the addresses that change, and those that now count otherwise.

    `said_before`: what earlier lines said, where it is not in the table.
    """
    known = consents_of(session, shop_id, {line.address for line in good})
    before: dict[str, ConsentWords] = {}
    now: dict[str, ConsentWords] = {}
    for line in good:
        address = line.address
        if address not in before:
            before[address] = now[address] = said_before.get(hash(address)) or known.get(address) or ConsentWords()
        moment = moment_of(line.state, line.source)
        at: datetime | None = getattr(now[address], moment)
        if at is None or at < line.at:
            outcome.changed += 1
            now[address] = replace(now[address], **{moment: line.at})
        if line.state is ConsentState.SUBSCRIBED and now[address].opted_out:
            outcome.kept_out += 1
    changed = {address: words for address, words in now.items() if words != before[address]}
    said_before.update((hash(address), words) for address, words in changed.items())
    turned = set()
    for address, words in changed.items():
        old = before[address]
        outcome.may += words.consented and not old.consented
        outcome.may_not += old.consented and not words.consented
        if (words.consented, words.opted_out) != (old.consented, old.opted_out):
            turned.add(address)
    return changed, turned
