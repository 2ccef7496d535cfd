"""Who is in the holdouts of steps, as recorded and as the draw will have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import delete, literal, select
from sqlalchemy.orm import Session

from plugin.domain import holdout
from plugin.domain.flows import State
from plugin.store.models.holdouts import Holdout
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop

_PLANNED = literal(str(State.PLANNED), literal_execute=True)  # as it stands, so that the partial index serves
NOBODY: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
PREVIEWED = 5000  # customers whose waiting messages a preview counts


def of_orders(
    session: Session, shop: Shop, rows: Iterable[Order]
) -> dict[int, tuple[frozenset[str], frozenset[str]]]:
    """By customer: the steps they are kept out of, and those that they will be. Empty while no step has a holdout."""
    percents = percents_of(shop)
    people = {row.customer_id for row in rows if row.customer_id}
    if not percents or not people:
        return {}
    known: defaultdict[int, dict[str, bool]] = defaultdict(dict)
    told = select(Holdout.customer_id, Holdout.step, Holdout.kept_out).where(
        Holdout.shop_id == shop.id, Holdout.step.in_(percents), Holdout.customer_id.in_(people)
    )
    for customer_id, step, is_out in session.execute(told):
        known[customer_id][step] = is_out
    found = {}
    for person in people:
        are = frozenset(step for step, is_out in known[person].items() if is_out)
        open_ = {step: percent for step, percent in percents.items() if step not in known[person]}
        will = frozenset(s for s, percent in open_.items() if holdout.kept_out(shop.code, person, s, percent))
        found[person] = are, will
    return found


def percents_of(shop: Shop) -> dict[str, int]:
    """The steps that have a holdout. From the stored settings as they are: this is asked for every planning."""
    steps = (shop.settings or {}).get("steps") or {}
    return {name: step["holdout_percent"] for name, step in steps.items() if step.get("holdout_percent")}


def would_keep_out(session: Session, shop: Shop, step: str, percent: int) -> tuple[int, int]:
    """Of the customers whose message of this step has a date: how many a holdout would keep out, and how many there
    are (of the first 5,000)."""
    dated = select(Message.customer_id).where(
        Message.shop_id == shop.id, Message.step == step, Message.state == _PLANNED, Message.customer_id.is_not(None)
    )
    people = set(session.scalars(dated.order_by(Message.ready_at).limit(PREVIEWED)))
    return sum(holdout.kept_out(shop.code, person, step, percent) for person in people if person), len(people)


def merge(session: Session, gone: int, kept: int) -> None:
    """Two customers were one: the older group holds. Who was in both groups says nothing of either."""
    mine = {row.step: row for row in session.scalars(select(Holdout).where(Holdout.customer_id == kept))}
    for row in session.scalars(select(Holdout).where(Holdout.customer_id == gone)).all():
        other = mine.get(row.step)
        if other is None:
            row.customer_id = kept
            continue
        other.set_aside = other.set_aside or row.set_aside or other.kept_out != row.kept_out
        other.at, other.until = min((other.at, other.until), (row.at, row.until))
        session.delete(row)
    session.flush()


def forget(session: Session, customer_ids: Collection[int]) -> None:
    """An erased customer is compared with nobody any more."""
    session.execute(delete(Holdout).where(Holdout.customer_id.in_(customer_ids)))
