"""Which order tells its customer of which mending: one for each customer and mending, however often they raised it.

That is the order whose message left, else the newest of their orders on which they had raised the tag before. It is
worked out anew with every plan, so that merged customers, corrected tags and edited words need nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from plugin.domain.complaints import mending_of
from plugin.domain.flows import LEFT, YOU_TOLD_US
from plugin.domain.history import Mended
from plugin.store.among import among
from plugin.store.models.archive import MessageArchive
from plugin.store.models.feedback import AnswerTag, Mending
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop

Person = tuple[int, str]  # (customer id, ""), or of a guest (0, address); of nobody known (-order id, "")


@dataclass(frozen=True, slots=True)
class _Raised:
    """A tag on an answer of this order. `usable`: a message of this order may still be planned."""

    order_id: int
    at: datetime
    usable: bool


def mendings_of(
    session: Session,
    shop: Shop,
    rows: Collection[Order | Any],
    known: Iterable[tuple[int, str]],
    supposed: Mending | None = None,
) -> dict[int, tuple[Mended, ...]]:
    """By order, what it tells. `known`: (order id, subject) of messages of this step that are in the calendar.

    `supposed`: as if this mending, which is no row, had been made as well.
    """
    made = list(session.scalars(select(Mending).where(Mending.shop_id == shop.id).order_by(Mending.id)))
    if supposed is not None:
        made.append(supposed)
    if not made:
        return {}
    raised = _raised(session, shop, rows, {mending.tag_id for mending in made})
    # Of a first mending nobody was told yet.
    told = _told(session, shop, rows) if made != [supposed] else defaultdict[Person, dict[int, int]](dict)
    in_calendar = {(order_id, mending_of(subject)) for order_id, subject in known}
    found: dict[int, tuple[Mended, ...]] = {}
    for row in rows:
        person = person_of(row)
        mine = [
            Mended(mending.id, mending.made_at, mending.undone_at is not None)
            for mending in made
            if (mending.undone_at is None or (row.id, mending.id) in in_calendar)
            and row.id == _teller(mending, made, raised[person, mending.tag_id], told[person])
        ]
        if mine:
            found[row.id] = tuple(mine)
    return found


def person_of(order: Order | Any) -> Person:
    """Whom a message of the order reaches: a customer, else whoever reads the address."""
    if order.customer_id:
        return order.customer_id, ""
    return (0, order.address) if order.address else (-order.id, "")


def _teller(
    mending: Mending, made: Sequence[Mending], raised: Iterable[_Raised], told: dict[int, int]
) -> int | None:
    """The order that tells this customer. `told`: mending -> the order whose message of it left."""
    if mending.id in told:
        return told[mending.id]
    heard = max(
        (other.made_at for other in made if other.tag_id == mending.tag_id and other.id in told
         and other.made_at <= mending.made_at),
        default=None,
    )  # fmt: skip
    before = [one for one in raised if one.at <= mending.made_at and (heard is None or one.at > heard)]
    newest = max(before, key=lambda one: (one.usable, one.at, one.order_id), default=None)
    return newest.order_id if newest else None


def _raised(
    session: Session, shop: Shop, rows: Collection[Order | Any], tag_ids: Collection[int]
) -> defaultdict[tuple[Person, int], list[_Raised]]:
    o, t = Order, AnswerTag
    columns = select(t.tag_id, t.at, o.id, o.customer_id, o.address, o.archived_at, o.version, o.redacted_at).join(
        o, o.id == t.order_id
    )
    found: defaultdict[tuple[Person, int], list[_Raised]] = defaultdict(list)
    for condition in _theirs(session, shop, rows):
        for row in session.execute(columns.where(condition, t.tag_id.in_(tag_ids), t.removed.is_(False))):
            usable = row.archived_at is None and row.version is not None and row.address and row.redacted_at is None
            found[person_of(row), row.tag_id].append(_Raised(row.id, row.at, bool(usable)))
    return found


def _told(session: Session, shop: Shop, rows: Collection[Order | Any]) -> defaultdict[Person, dict[int, int]]:
    o = Order
    found: defaultdict[Person, dict[int, int]] = defaultdict(dict)
    for condition in _theirs(session, shop, rows):
        for m in (Message, MessageArchive):
            left = select(m.subject, o.id, o.customer_id, o.address).join(o, o.id == m.order_id)
            for row in session.execute(left.where(condition, m.step == YOU_TOLD_US, m.state.in_(LEFT))):
                mending_id = mending_of(row.subject)
                if mending_id is not None:
                    found[person_of(row)][mending_id] = row.id
    return found


def _theirs(session: Session, shop: Shop, rows: Collection[Order | Any]) -> list[ColumnElement[bool]]:
    """The orders of the same customers, and of guests with the same addresses; each on an index."""
    o = Order
    people = {row.customer_id for row in rows if row.customer_id}
    guests = {row.address for row in rows if not row.customer_id and row.address}
    alone = [row.id for row in rows if not row.customer_id and not row.address]
    found: list[ColumnElement[bool]] = []
    if people:
        found.append(among(session, o.customer_id, people))
    if guests:
        found.append((o.shop_id == shop.id) & among(session, o.address, guests) & o.customer_id.is_(None))
    if alone:
        found.append(among(session, o.id, alone))
    return found
