"""A rehearsal: a shop's recent orders through settings that are not in force. It reads, computes and writes nothing.

The work is cut into parts whose sums add up. Whoever asks holds what was counted so far (`Progress`) and hands it back
for more: any web process can go on, and nothing is kept here.
"""

from __future__ import annotations

import time
from collections import defaultdict, namedtuple
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.domain import gates
from plugin.domain.consent import ConsentWords
from plugin.domain.flows import State
from plugin.domain.history import Answer, History, NotArrived, Parcel
from plugin.domain.holdout import KEPT_OUT, kept_out
from plugin.domain.rehearsal import Mail, Sent, Tally, leave, why
from plugin.domain.timeline import Planned, plan
from plugin.domain.zones import zone_for
from plugin.services.consents import consents_of, suppressions_of
from plugin.services.context import Context
from plugin.services.facts.orders import counts_as_purchase
from plugin.services.histories import low_ratings, order_facts, parcel_facts
from plugin.services.plan import learned_duration
from plugin.services.rehearsal_parts import Progress as Progress
from plugin.services.rehearsal_parts import parts_left, rehearsed
from plugin.services.shops import shop_of
from plugin.store.among import among
from plugin.store.models import customers, orders
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings

WINDOW = timedelta(days=90)
IN_ONE_PART = 500  # orders, about: some 0.1 s
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # the installation, so that every order counts
FOLLOW_UP = "cross_sell_follow_up"
_JOINED = "joined"  # told with another parcel: nobody is left out

o, p = orders.Order, orders.Parcel
_ORDER = (o.id, o.platform_id, o.customer_id, o.address, o.placed_at, o.name, o.lines, o.refunds, o.edits, o.told_at,
          o.test, o.source_name, o.pickup, o.cancelled_at, o.deleted_at, o.redacted_at, o.financial_status,
          o.country_code)  # fmt: skip
# Whether there is a number is all that is asked of them.
_PARCEL = (p.order_id, p.platform_id, p.shipped_at, p.name, p.status, p.lines, p.words, p.delivered_at, p.carrier,
           (p.tracking_numbers != []).label("tracking_numbers"))  # fmt: skip


def _plain(name: str, columns: Sequence[Any]) -> Callable[[Iterable[Any]], Any]:
    """What makes a named tuple of a row: SQLAlchemy's own take ten times as long to give one of their fields."""
    maker: Any = namedtuple
    make: Callable[[Iterable[Any]], Any] = maker(name, [column.key for column in columns])._make
    return make


_plain_order, _plain_parcel = _plain("OrderRow", _ORDER), _plain("ParcelRow", _PARCEL)


def rehearse(
    ctx: Context, shop_id: int, settings: ShopSettings, progress: Progress | None = None, seconds: float | None = None
) -> Progress:
    """Go on with a rehearsal, or begin one, until it is finished or about `seconds` have passed; at least one part.

    Everything known today counts (consent, refunds, answers), also about orders placed before the installation; the
    merchant's own acts and what was really sent do not. Raises UnknownShop.
    """
    end = time.monotonic() + seconds if seconds is not None else None
    with ctx.database.reading() as session:
        shop = shop_of(session, shop_id)
        if progress is None:
            now = ctx.clock.now()
            progress = Progress(now - WINDOW, now, parts=0)
        if not progress.parts:
            counted = session.scalar(select(func.count()).where(*rehearsed(shop, progress))) or 0
            progress = replace(progress, parts=max(1, -(-counted // IN_ONE_PART)))
        reader = _Reader(session, shop, settings.for_new_orders(), progress)
        for people in parts_left(session, shop, progress):
            progress.tally.add(reader.count(people))
            progress = replace(progress, done=progress.done + 1)
            if end is not None and time.monotonic() >= end:
                break
    return progress


class _Reader:
    """Reads histories in bulk, as rows, and plays them through."""

    def __init__(self, session: Session, shop: Shop, settings: ShopSettings, progress: Progress) -> None:
        self.session, self.shop, self.settings = session, shop, settings
        self.connection = session.connection()  # past the ORM, whose entities are not asked for
        self.until, self.durations = progress.until, progress.durations
        self.zone = zone_for(None, shop.timezone)
        self.holdouts = [(name, one.holdout_percent) for name, one in settings.steps.items() if one.holdout_percent]

    def count(self, people: Sequence[Collection[int]]) -> Tally:
        tally = Tally()
        for chunk in _chunks(people, IN_ONE_PART):
            self._count(chunk, tally)
        return tally

    def _count(self, people: Sequence[Collection[int]], tally: Tally) -> None:
        ids = [id_ for mine in people for id_ in mine]
        found = self.connection.execute(select(*_ORDER).where(among(self.session, o.id, ids)))
        rows = {row.id: row for row in map(_plain_order, found)}
        histories = self._histories(rows)
        for mine in people:
            theirs = sorted((rows[id_] for id_ in mine if id_ in rows), key=lambda r: (r.placed_at, r.platform_id))
            if theirs:
                self._person(theirs, histories, tally)

    def _person(self, mine: Sequence[Any], histories: dict[int, History], tally: Tally) -> None:
        play = _Play(self.settings, mine, histories)
        zone = zone_for(mine[-1].country_code, self.shop.timezone)
        sent, dropped = leave(play.mails(), self.settings, zone, play.follow, capped=mine[0].customer_id is not None)
        for mail in dropped:
            play.left_out[mail.order[0]].append((mail.step, why("enough messages for now")))
        tally.orders += len(mine)
        tally.person(sent, zone, self.zone)
        for row in mine:
            tally.leave_out((row.id, row.name or row.platform_id), play.left_out[row.id])

    def _histories(self, rows: dict[int, Any]) -> dict[int, History]:
        ids = list(rows)
        parcels = self._parcels(rows)
        answers: defaultdict[int, list[Answer]] = defaultdict(list)
        a = customers.ArrivalAnswer
        told_us = select(a.order_id, a.parcel_id, a.answer, a.at).where(among(self.session, a.order_id, ids))
        for told in self.connection.execute(told_us):
            answers[told.order_id].append(Answer(told.parcel_id, told.answer == "yes", told.at))
        issues: defaultdict[int, list[NotArrived]] = defaultdict(list)
        i = customers.Issue
        columns = (i.order_id, i.parcel_id, i.opened_at, i.closed_at, i.outcome)
        not_arrived = select(*columns).where(among(self.session, i.order_id, ids), i.kind == "not_arrived")
        for issue in self.connection.execute(not_arrived):
            missing = NotArrived(issue.parcel_id, issue.opened_at, issue.closed_at, issue.outcome)
            issues[issue.order_id].append(missing)
        unhappy = low_ratings(self.session, rows.values())
        addresses = {row.address for row in rows.values() if row.address}
        consents = consents_of(self.session, self.shop.id, addresses)
        suppressed = suppressions_of(self.session, self.shop.id, addresses)
        return {
            row.id: History(
                order=order_facts(row),
                installed_at=_LONG_AGO,
                country_code=row.country_code,
                parcels=tuple(parcels[row.id]),
                answers=tuple(answers[row.id]),
                issues=tuple(issues[row.id]),
                low_ratings=tuple(unhappy[row.customer_id or -row.id]),
                consent=consents.get(row.address or "", ConsentWords()),
                suppressed=suppressed.get(row.address or ""),
                kept_out=self._kept_out(row.customer_id),
            )
            for row in rows.values()
        }

    def _kept_out(self, customer_id: int | None) -> frozenset[str]:
        """The steps whose holdout the draw has the customer in, with the percentages given."""
        if customer_id is None or not self.holdouts:
            return frozenset()
        code = self.shop.code
        return frozenset(name for name, percent in self.holdouts if kept_out(code, customer_id, name, percent))

    def _parcels(self, rows: dict[int, Any]) -> defaultdict[int, list[Parcel]]:
        """With the delivery expected anew by the settings given; what is stored was fixed by those of its day."""
        found: defaultdict[int, list[Parcel]] = defaultdict(list)
        known = (p.version.is_not(None), p.shipped_at.is_not(None))
        parcels = self.connection.execute(select(*_PARCEL).where(among(self.session, p.order_id, rows), *known))
        for row in map(_plain_parcel, parcels):
            key = row.carrier, rows[row.order_id].country_code
            if key not in self.durations:
                self.durations[key] = learned_duration(self.session, self.shop.id, self.settings, self.until, *key)
            expected = row.shipped_at + self.durations[key] if row.delivered_at is None else None
            found[row.order_id].append(parcel_facts(row, expected))
        return found


class _Play:
    """One customer's orders, played through: what would go, and why the rest does not."""

    def __init__(self, settings: ShopSettings, rows: Sequence[Any], histories: dict[int, History]) -> None:
        self.settings, self.rows, self.histories = settings, rows, histories
        self.left_out: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        self.bought = [(row.placed_at, row.platform_id, row.id) for row in rows if counts_as_purchase(row)]
        self.keys = {row.id: (row.placed_at, row.platform_id, row.id) for row in rows}

    def mails(self) -> Iterator[Mail]:
        """What leaves by itself; the follow-up is planned from the cross-sell's leaving."""
        for row in self.rows:
            order = row.id, row.name or row.platform_id
            messages = plan(self.settings, self.histories[row.id])
            goes = any(m.step == "cross_sell" and m.state is State.PLANNED for m in messages)
            for message in messages:
                if message.step == FOLLOW_UP and goes:
                    continue
                if (mail := self._mail(message, order)) is not None:
                    yield mail

    def _mail(self, message: Planned, order: tuple[int, str]) -> Mail | None:
        if message.state is not State.PLANNED or message.due_at is None:
            code = why(message.reason)
            if code != _JOINED:
                self.left_out[order[0]].append((message.step, code))
            return None
        if message.step.startswith("cross_sell") and self._bought_by(message.due_at, order[0]):
            self.left_out[order[0]].append((message.step, "bought_again"))
            if message.step == "cross_sell":
                self.left_out[order[0]].append((FOLLOW_UP, "no_cross_sell"))
            return None
        return Mail(message.step, message.due_at, order)

    def _bought_by(self, moment: datetime, order_id: int) -> bool:
        """Whether the customer bought again between the order and `moment`: then its cross-sells end."""
        return any(key > self.keys[order_id] and key[0] <= moment for key in self.bought)

    def follow(self, sent: Sent) -> Mail | None:
        """The follow-up of a cross-sell that left: as the plan has it, without making the whole plan again."""
        order = sent.mail.order
        if sent.mail.step != "cross_sell":
            return None
        due = sent.at + timedelta(minutes=self.settings.delay_minutes(FOLLOW_UP))
        history = self.histories[order[0]]
        refusal = gates.refusal(FOLLOW_UP, gates.facts_of(self.settings, history))
        refusal = refusal or (KEPT_OUT if FOLLOW_UP in history.kept_out else None)
        state = State.WITHHELD if refusal else State.PLANNED
        message = Planned(step=FOLLOW_UP, subject="", state=state, due_at=due, reason=refusal or "due")
        return self._mail(message, order)


def _chunks(people: Sequence[Collection[int]], size: int) -> Iterator[list[Collection[int]]]:
    """People together, so that one query asks for about `size` orders."""
    chunk: list[Collection[int]] = []
    count = 0
    for mine in people:
        chunk.append(mine)
        count += len(mine)
        if count >= size:
            yield chunk
            chunk, count = [], 0
    if chunk:
        yield chunk
