"""The merchant's list of orders, and the search: found by an index, a page at a time, however many rows there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from plugin.domain.addresses import normalise_email
from plugin.domain.flows import State
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order

PAGE = 50
NAMESAKES = 400  # of one way to read the search that are looked at, when only a beginning was given
WORDS = 4  # of a search that are read as a name
_LAST = "\U0010ffff"  # sorts behind whatever may follow a prefix


Column = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
Reading = tuple[bool, ColumnElement[bool]]  # whether the newest of all that match are found at once, condition


class NoSuchOrder(LookupError):
    """The shop has no order of this number."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of orders ended: the list goes on behind it."""

    placed_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """An order in the list. `states`: how many of its messages are in each; `next_at`: when the next one is due."""

    id: int
    name: str
    customer: str
    email: str | None
    placed_at: datetime
    total_minor: int | None
    currency: str | None
    financial_status: str | None
    cancelled: bool
    test: bool
    states: dict[str, int]
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """`more`: where the next page begins, None on the last. `cut`: so many match that only some were looked at."""

    orders: tuple[OrderLine, ...]
    more: Cursor | None
    cut: bool = False


def find_orders(session: Session, shop_id: int, text: str = "", after: Cursor | None = None) -> OrderPage:
    """The shop's orders, the newest first; with a text those whose name, customer or e-mail address begins so.

    Several words are a person's first and last names, in either order. An order's name may be given without its "#".
    """
    text = " ".join(text.split())[:100]
    base = select(Order.id, Order.placed_at).where(Order.shop_id == shop_id, Order.placed_at.is_not(None))
    if after is not None:
        base = base.where(tuple_(Order.placed_at, Order.id) < tuple_(literal(after.placed_at), literal(after.id)))
    if text:
        arms = []
        for number, (exact, condition) in enumerate(_readings(text, _Beginnings(session))):
            arm = base.where(condition).add_columns(literal(number).label("arm"))
            newest = arm.order_by(Order.placed_at.desc(), Order.id.desc()).limit(PAGE + 1)
            arms.append(newest if exact else arm.limit(NAMESAKES))
        # Each arm in brackets of its own, as SQLite asks; one statement, because so many would take longer to ask.
        rows = session.execute(union_all(*(select(arm.subquery()) for arm in arms))).all()
        found = {row.id: row.placed_at for row in rows}
        cut = NAMESAKES in Counter(row.arm for row in rows).values()
        ids = sorted(found, key=lambda id_: (found[id_], id_), reverse=True)[: PAGE + 1]
    else:
        cut = False
        newest = base.with_only_columns(Order.id).order_by(Order.placed_at.desc(), Order.id.desc())
        ids = list(session.scalars(newest.limit(PAGE + 1)))
    orders = _lines(session, shop_id, ids[:PAGE])
    more = Cursor(orders[-1].placed_at, orders[-1].id) if len(ids) > PAGE else None
    return OrderPage(orders, more, cut)


def _lines(session: Session, shop_id: int, ids: Sequence[int]) -> tuple[OrderLine, ...]:
    rows = session.scalars(select(Order).where(Order.shop_id == shop_id, Order.id.in_(ids))).all()
    states: defaultdict[int, dict[str, int]] = defaultdict(dict)
    due: dict[int, datetime] = {}
    counted = (
        select(Message.order_id, Message.state, func.count(), func.min(Message.ready_at))
        .where(Message.shop_id == shop_id, Message.order_id.in_(ids))
        .group_by(Message.order_id, Message.state)
    )
    for order_id, state, count, ready_at in session.execute(counted):
        states[order_id][state] = count
        if state == State.PLANNED and ready_at:
            due[order_id] = ready_at
    by_id = {row.id: row for row in rows}
    return tuple(_line(by_id[id_], states[id_], due.get(id_)) for id_ in ids if id_ in by_id)


def _line(order: Order, states: dict[str, int], next_at: datetime | None) -> OrderLine:
    assert order.placed_at is not None
    return OrderLine(
        id=order.id,
        name=order.name or order.platform_id,
        customer=full_name(order),
        email=order.email,
        placed_at=order.placed_at,
        total_minor=order.total_minor,
        currency=order.currency,
        financial_status=order.financial_status,
        cancelled=order.cancelled_at is not None,
        test=order.test,
        states=states,
        next_at=next_at,
    )


def full_name(order: Order | Any) -> str:
    """As the customer would write it: a Korean name begins with the family's, without a space. "" when unknown."""
    first, last = order.first_name or "", order.last_name or ""
    if _is_hangul(last + first):
        return last + first
    return f"{first} {last}".strip()


# -- how a search is read ---------------------------------------------------------------------------------------------
class _Beginnings:
    """Conditions on how a column begins, which the indexes of both databases serve."""

    def __init__(self, session: Session) -> None:
        postgres = session.get_bind().dialect.name == "postgresql"
        self._from, self._behind, self._before = ("~>=~", "~>~", "~<~") if postgres else (">=", ">", "<")

    def begins(self, column: Column, text: str) -> ColumnElement[bool]:
        return column.bool_op(self._from)(text) & column.bool_op(self._before)(text + _LAST)

    def goes_on(self, column: Column, text: str) -> ColumnElement[bool]:
        """Begins with the text and is longer."""
        return column.bool_op(self._behind)(text) & column.bool_op(self._before)(text + _LAST)


def _readings(text: str, column: _Beginnings) -> list[Reading]:
    """The ways to understand a search. Few, since each is a look into an index of its own."""
    words = text.split(" ")
    with_digits = any(mark.isdigit() for mark in text)
    found: list[Reading] = []
    if "@" not in text:
        forms = dict.fromkeys([text, text.upper()])
        names = [*forms, *(f"#{form}" for form in forms if with_digits and not form.startswith("#"))]
        found = [(True, Order.name.in_(names)), *((False, column.goes_on(Order.name, name)) for name in names)]
    if len(words) == 1:
        found.append((False, column.begins(Order.address, normalise_email(text) or text.lower())))
        if not with_digits and "@" not in text:
            found += _one_name(text, column)
    for cut in range(1, min(len(words), WORDS)):
        one, other = " ".join(words[:cut]), " ".join(words[cut:])
        found += [_two_names(one, other, column), _two_names(other, one, column)]
    return found


def _one_name(text: str, column: _Beginnings) -> list[Reading]:
    """A first or a last name, or its beginning; a whole Korean name, the family's of one or two syllables."""
    each: tuple[Column, ...] = (Order.first_name, Order.last_name)
    found: list[Reading] = [(True, which == word) for word in _spellings(text) for which in each]
    found += [(False, column.goes_on(which, word)) for word in dict.fromkeys([text, text.title(), text.upper()])
              for which in each]  # fmt: skip
    if _is_hangul(text):
        whole = [(text[:cut], text[cut:]) for cut in (1, 2) if len(text) > cut]
        found += [(False, (Order.last_name == last) & column.begins(Order.first_name, first)) for last, first in whole]
    return found


def _two_names(first: str, last: str, column: _Beginnings) -> Reading:
    """A first name, or its beginning, before a whole last name."""
    given = or_(*(column.begins(Order.first_name, name) for name in _spellings(first)))
    return False, Order.last_name.in_(_spellings(last)) & given


def _spellings(name: str) -> list[str]:
    """As typed, and as people write their names."""
    ways: tuple[Callable[[str], str], ...] = (str, str.title, str.lower, str.upper)
    found = [way(name) for way in ways]
    if name.lower().startswith("mc"):
        found.append(f"Mc{name[2:].title()}")
    return list(dict.fromkeys(found))


def _is_hangul(text: str) -> bool:
    return 2 <= len(text) <= 6 and all("가" <= mark <= "힣" for mark in text)
