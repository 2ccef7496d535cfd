"""The store of consent: one row for each address, merged by maximum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.consent import ConsentWords
from plugin.store.among import among
from plugin.store.models.customers import Consent, Suppression
from plugin.store.upserts import insert_for, later
from schemas.events import Channel, ConsentSource, ConsentState

_MOMENTS = ("subscribed_at", "opted_out_at", "checkbox_at", "neutral_at")


def record_consent(
    session: Session,
    shop_id: int,
    channel: Channel,
    address: str,
    state: ConsentState,
    source: ConsentSource,
    at: datetime,
) -> bool:
    """Add one word about a normalised address. False when it changed nothing."""
    moment = moment_of(state, source)
    where = (Consent.shop_id == shop_id, Consent.channel == channel, Consent.address == address)
    known = session.execute(select(getattr(Consent, moment)).where(*where)).first()
    if known and known[0] and known[0] >= at:
        return False
    statement = insert_for(session, Consent).values(
        shop_id=shop_id, channel=str(channel), address=address, **{moment: at}
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "channel", "address"],
            set_={moment: later(statement.excluded[moment], getattr(Consent, moment))},
        )
    )
    return True


def moment_of(state: ConsentState, source: ConsentSource) -> str:
    """The field of `ConsentWords` that such a word belongs to."""
    return {
        ConsentState.SUBSCRIBED: "checkbox_at" if source is ConsentSource.CHECKBOX else "subscribed_at",
        ConsentState.UNSUBSCRIBED: "opted_out_at",
        ConsentState.NOT_SUBSCRIBED: "neutral_at",
        ConsentState.PENDING: "neutral_at",
    }[state]


def record_consents(session: Session, shop_id: int, channel: Channel, words: Mapping[str, ConsentWords]) -> None:
    """Add words about many normalised addresses with one statement, as `record_consent` adds each.

    In the order of the addresses, which is the order of the locks.
    """
    if not words:
        return
    statement = insert_for(session, Consent).values([
        {"shop_id": shop_id, "channel": str(channel), "address": address, **{m: getattr(said, m) for m in _MOMENTS}}
        for address, said in sorted(words.items())
    ])  # fmt: skip
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "channel", "address"],
            set_={moment: later(statement.excluded[moment], getattr(Consent, moment)) for moment in _MOMENTS},
        )
    )


def consents_of(session: Session, shop_id: int, addresses: Iterable[str]) -> dict[str, ConsentWords]:
    """The words about each e-mail address; an address nobody spoke of is not in the answer."""
    rows = session.execute(
        select(Consent.address, *(getattr(Consent, m) for m in _MOMENTS)).where(
            Consent.shop_id == shop_id,
            Consent.channel == Channel.EMAIL,
            among(session, Consent.address, set(addresses)),
        )
    )
    return {row[0]: ConsentWords(*row[1:]) for row in rows}


def suppressions_of(session: Session, shop_id: int, addresses: Iterable[str]) -> dict[str, str]:
    """Why an e-mail address must not be written to: "dead" or "complained"."""
    rows = session.execute(
        select(Suppression.address, Suppression.cause).where(
            Suppression.shop_id == shop_id,
            Suppression.channel == Channel.EMAIL,
            among(session, Suppression.address, set(addresses)),
            Suppression.cause != "lifted",
        )
    )
    return {row.address: row.cause for row in rows}
