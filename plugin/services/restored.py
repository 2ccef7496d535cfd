"""After the database was put back to an older state: nothing that may have left in the lost time leaves again.

What left after the state that was restored is `planned` again, or not there at all until the platform tells of its
order once more. Whether it left is unknown, so every message that was due before the sending stopped becomes `failed:
outcome unknown`: at once where its row is there (services/restore.py), and when it is planned where it is not (here).
That the database was restored is remembered in it, as the lease named `restored`: until then all is of the time before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from plugin.domain.flows import MessageClass, State
from plugin.store.models.messages import Message
from plugin.store.models.shops import Lease, Shop

NAME = "restored"
NOTHING, ALL_BUT_MARKETING = "nothing", "all but marketing"  # what goes again
UNSENT = (State.PLANNED, State.QUEUED, State.SENDING)
UNKNOWN = "outcome unknown: it was due before the database was restored"


def before_restore(session: Session, shop: Shop, order_ids: Collection[int]) -> None:
    """Of orders just planned: what was due before the sending stopped stays unsent. One look-up where nothing was."""
    found = session.execute(select(Lease.until, Lease.holder).where(Lease.name == NAME)).first()
    if found and not (shop.live_at and shop.live_at > found.until):  # what a shop held back then did not leave
        mark_unknown(session, [Message.shop_id == shop.id, Message.order_id.in_(order_ids)], found.until, found.holder)


def mark_unknown(
    session: Session, which: Iterable[ColumnElement[bool]], until: datetime, again: str
) -> list[tuple[str, int]]:
    """Those of `which` that were due by then: (step, order id) of each. `again`: NOTHING or ALL_BUT_MARKETING."""
    conditions = [*which, Message.state.in_(UNSENT), Message.due_at <= until]
    if again == ALL_BUT_MARKETING:
        conditions.append(Message.message_class == MessageClass.MARKETING)
    # No plan may do this and no claim is held: the attempt that failed is the one that nobody remembers.
    marked = session.execute(
        update(Message)
        .where(*conditions)
        .values(state=State.FAILED, reason=UNKNOWN, error=UNKNOWN, claim_token=None, lease_until=None)
        .returning(Message.step, Message.order_id)
        .execution_options(synchronize_session=False)
    )
    return [(step, order_id) for step, order_id in marked]
