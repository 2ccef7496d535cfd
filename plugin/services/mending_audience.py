"""Who would be told that something is mended, who would not, and why: planned as it will be, and nothing stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.consent import ConsentWords
from plugin.domain.flows import State
from plugin.domain.history import History, Mended, NotArrived
from plugin.domain.history import Order as OrderFacts
from plugin.domain.timeline import Planned, plan_mended
from plugin.services import histories
from plugin.services.consents import consents_of, suppressions_of
from plugin.services.context import Context
from plugin.services.mending_facts import Person, mendings_of, person_of
from plugin.services.order_search import full_name
from plugin.services.shops import shop_of
from plugin.store.among import among
from plugin.store.models.customers import Issue
from plugin.store.models.feedback import AnswerTag, Mending
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings

CHUNK = 500  # orders read at once
NAMED = 50  # customers of each group that are shown by name
SUPPOSED = 0  # the number of the mending that is not made yet
HEARD = "was told before and has raised nothing since"
ARCHIVED = "the order is closed for good"

o = Order
_ORDER = (o.id, o.platform_id, o.customer_id, o.address, o.email, o.first_name, o.last_name, o.name, o.placed_at,
          o.country_code, o.test, o.archived_at, o.version, o.redacted_at)  # fmt: skip
OrderRow = Any  # one with these columns


@dataclass(frozen=True, slots=True)
class Named:
    """A customer, by the order that would tell them. `reason`: why not, or not yet."""

    order_id: int
    order_name: str
    customer: str
    email: str | None
    reason: str | None = None


@dataclass
class Audience:
    """How many customers raised it, and what becomes of each: `now`, `later` and `never` add up to `raised`.

    `reasons`: of those later or never, by reason. The lists name the first 50 of each.
    """

    now: int = 0
    later: int = 0
    never: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    would: list[Named] = field(default_factory=list)
    would_not: list[Named] = field(default_factory=list)

    @property
    def raised(self) -> int:
        return self.now + self.later + self.never


def audience(session: Session, ctx: Context, shop_id: int, tag_id: int) -> Audience:
    """Of a mending that is made now. Raises UnknownShop."""
    shop = shop_of(session, shop_id)
    settings, found = load_settings(shop.settings), Audience()
    supposed = Mending(id=SUPPOSED, shop_id=shop_id, tag_id=tag_id, made_at=ctx.clock.now())
    tellers: set[Person] = set()
    others: dict[Person, OrderRow] = {}
    for rows in _orders(session, shop_id, tag_id, supposed):
        for order, message in _planned(session, shop, settings, rows, supposed):
            if message is None:
                others[person_of(order)] = order
            else:
                tellers.add(person_of(order))
                _count(found, order, message)
    for person, order in others.items():
        if person not in tellers:
            reason = ARCHIVED if order.archived_at else HEARD
            _never(found, order, reason)
    return found


def _orders(session: Session, shop_id: int, tag_id: int, supposed: Mending) -> Iterator[Sequence[OrderRow]]:
    t = AnswerTag
    raised = (t.tag_id == tag_id, t.shop_id == shop_id, t.removed.is_(False), t.at <= supposed.made_at)
    ids = sorted(session.scalars(select(t.order_id).where(*raised)).all())
    for start in range(0, len(ids), CHUNK):
        wanted = ids[start : start + CHUNK]
        yield session.execute(
            select(*_ORDER).where(among(session, o.id, wanted), o.shop_id == shop_id).order_by(o.id)
        ).all()


def _planned(
    session: Session, shop: Shop, settings: ShopSettings, rows: Sequence[OrderRow], supposed: Mending
) -> Iterator[tuple[OrderRow, Planned | None]]:
    """Each order with the message it would have; None where it is not the one that tells its customer."""
    live = [row for row in rows if row.archived_at is None and row.version is not None]
    tells = mendings_of(session, shop, live, (), supposed)
    tellers = [row for row in live if any(told.mending_id == SUPPOSED for told in tells.get(row.id, ()))]
    planned = {
        row.id: message
        for row, history in _histories(session, shop, tellers, supposed) for message in plan_mended(settings, history)
    }
    for row in rows:
        yield row, planned.get(row.id)


def _histories(
    session: Session, shop: Shop, rows: Sequence[OrderRow], supposed: Mending
) -> Iterator[tuple[OrderRow, History]]:
    """Of each history what this one message depends on: thousands are looked at while somebody waits."""
    i, told = Issue, Mended(SUPPOSED, supposed.made_at)
    missing: defaultdict[int, list[NotArrived]] = defaultdict(list)
    theirs = among(session, i.order_id, [row.id for row in rows])
    open_ = (theirs, i.kind == histories.NOT_ARRIVED, i.closed_at.is_(None))
    for order_id, parcel_id, opened_at in session.execute(select(i.order_id, i.parcel_id, i.opened_at).where(*open_)):
        missing[order_id].append(NotArrived(parcel_id, opened_at))
    unhappy = histories.low_ratings(session, rows)
    addresses = {row.address for row in rows if row.address}
    consents, suppressed = consents_of(session, shop.id, addresses), suppressions_of(session, shop.id, addresses)
    for row in rows:
        yield row, History(
            order=_facts(row),
            installed_at=shop.installed_at,
            live=shop.live,
            country_code=row.country_code,
            issues=tuple(missing[row.id]),
            low_ratings=tuple(unhappy[row.customer_id or -row.id]),
            mendings=(told,),
            consent=consents.get(row.address or "", ConsentWords()),
            suppressed=suppressed.get(row.address or ""),
        )


def _facts(row: OrderRow) -> OrderFacts:
    """Without the lines: what was ordered, and whether it was cancelled since, does not matter to this message."""
    return OrderFacts(
        order_id=row.platform_id,
        placed_at=row.placed_at,
        lines=(),
        test=row.test,
        erased=row.redacted_at is not None,
        has_address=row.address is not None,
    )


def _count(found: Audience, order: OrderRow, message: Planned) -> None:
    if message.state in (State.WITHHELD, State.CANCELLED):
        _never(found, order, message.reason)
        return
    waits = message.state is not State.PLANNED
    if waits:
        found.later += 1
        found.reasons[message.reason] += 1
    else:
        found.now += 1
    if len(found.would) < NAMED:
        found.would.append(_named(order, message.reason if waits else None))


def _never(found: Audience, order: OrderRow, reason: str) -> None:
    found.never += 1
    found.reasons[reason] += 1
    if len(found.would_not) < NAMED:
        found.would_not.append(_named(order, reason))


def _named(order: OrderRow, reason: str | None) -> Named:
    return Named(order.id, order.name or order.platform_id, full_name(order), order.email, reason)
