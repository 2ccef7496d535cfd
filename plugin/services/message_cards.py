"""The messages of an order as its shop sees them: what each says of itself, what came of it, what may be done to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.acts_offered import SEND_AGAIN, acts_offered
from plugin.services import histories
from plugin.services.archive import archived_messages
from plugin.services.context import Context
from plugin.store.models.archive import MessageArchive
from plugin.store.models.figures import Open, Reaction
from plugin.store.models.messages import Act, Click, Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings

CLICKS = 50  # of one message that are told
Row = TypeVar("Row", Open, Click, Reaction)


@dataclass(frozen=True, slots=True)
class Visit:
    """A click: where it led. `by_scanner`: by software that opens every link."""

    target: str
    at: datetime
    by_scanner: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCard:
    """A message of the order. `about`: the names of the parcels it tells of. `due_at`: when it is due or may leave.

    `opened_at`: by a person, first; `machine_opened`: only software asked for its picture. `reactions`: kind -> when.
    `offers`: the acts that make sense. `copies`: how often it was sent again so far, for the act's second tap.
    """

    id: int
    step: str
    copy: int
    about: tuple[str, ...]
    state: str
    reason: str
    message_class: str
    due_at: datetime | None
    sent_at: datetime | None
    address: str | None
    subject: str | None
    estimated: bool
    attempts: int
    opened_at: datetime | None = None
    opens: int = 0
    machine_opened: bool = False
    clicks: tuple[Visit, ...] = ()
    reactions: dict[str, datetime] = field(default_factory=dict)
    offers: frozenset[str] = frozenset()
    copies: int = 0
    archived: bool = False


def message_cards(
    session: Session, ctx: Context, shop: Shop, order: Order, parcels: Iterable[Parcel], acts: Iterable[Act]
) -> tuple[MessageCard, ...]:
    """The order's messages, the oldest row first; from the archive, where it was moved there."""
    names = {parcel.platform_id: parcel.name or parcel.platform_id for parcel in parcels}
    if order.archived_at:
        return tuple(_archived(row, names) for row in archived_messages(session, shop.id, order.id))
    rows = session.scalars(
        select(Message).where(Message.shop_id == shop.id, Message.order_id == order.id).order_by(Message.id)
    ).all()
    possible = _offers(session, ctx, shop, order)
    ids = [row.id for row in rows]
    opens, clicks, reactions = _opens(session, ids), _clicks(session, ids), _reactions(session, ids)
    again = [(act.step, act.subject) for act in acts if act.kind == SEND_AGAIN]
    return tuple(
        MessageCard(
            id=row.id,
            step=row.step,
            copy=row.copy,
            about=tuple(names.get(parcel, parcel) for parcel in row.parcels),
            state=row.state,
            reason=row.reason,
            message_class=row.message_class,
            due_at=row.ready_at or row.due_at,
            sent_at=row.sent_at,
            address=row.address,
            subject=row.mail_subject,
            estimated=row.estimated,
            attempts=row.attempts,
            opened_at=min((o.at for o in opens[row.id] if not o.by_machine), default=None),
            opens=sum(o.times for o in opens[row.id] if not o.by_machine),
            machine_opened=any(o.by_machine for o in opens[row.id]),
            clicks=tuple(Visit(c.target, c.at, c.by_scanner) for c in clicks[row.id][:CLICKS]),
            reactions={reaction.kind: reaction.at for reaction in reactions[row.id]},
            offers=frozenset(possible.get(row.id, ())),
            copies=again.count((row.step, row.subject)),
        )
        for row in rows
    )


def _archived(row: MessageArchive, names: dict[str, str]) -> MessageCard:
    return MessageCard(
        id=row.id,
        step=row.step,
        copy=row.copy,
        about=tuple(names.get(parcel, parcel) for parcel in row.parcels),
        state=row.state,
        reason=row.reason,
        message_class=row.message_class,
        due_at=row.due_at,
        sent_at=row.sent_at,
        address=row.address,
        subject=row.mail_subject,
        estimated=row.estimated,
        attempts=row.attempts,
        opened_at=row.opened_at,
        opens=int(row.opened_at is not None),
        archived=True,
    )


def _offers(session: Session, ctx: Context, shop: Shop, order: Order) -> dict[int, set[str]]:
    """Nothing can be done where nothing is planned: for history, and where the settings cannot be read."""
    settings = _settings(shop)
    if settings is None or order.version is None:
        return {}
    [planning] = histories.read(session, shop, [order], locked=False)
    return acts_offered(settings, planning.history, planning.stored, ctx.clock.now())


def _settings(shop: Shop) -> ShopSettings | None:
    try:
        return load_settings(shop.settings)
    except ValidationError:
        return None


def _opens(session: Session, ids: Collection[int]) -> defaultdict[int, list[Open]]:
    return _by_message(session.scalars(select(Open).where(Open.message_id.in_(ids))))


def _clicks(session: Session, ids: Collection[int]) -> defaultdict[int, list[Click]]:
    return _by_message(session.scalars(select(Click).where(Click.message_id.in_(ids)).order_by(Click.at, Click.id)))


def _reactions(session: Session, ids: Collection[int]) -> defaultdict[int, list[Reaction]]:
    return _by_message(session.scalars(select(Reaction).where(Reaction.message_id.in_(ids))))


def _by_message(rows: Iterable[Row]) -> defaultdict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.message_id].append(row)
    return found

