"""Is the sender's address the shop's own? A link is mailed to it, and whoever reads it confirms. Machine time.

The question is a row; the worker makes the token, stores its hash and mails it, so that the token itself is never at
rest. Nothing about a message depends on the answer: it is shown, and going live warns.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from plugin.channels.email.errors import Permanent, SendError
from plugin.channels.email.mime import Mail, build, message_id
from plugin.channels.email.transport import Transport
from plugin.content.formats import text_language
from plugin.domain.addresses import normalise_email
from plugin.services import errands
from plugin.services.changes import record_change
from plugin.services.compose import sender_of, shop_name
from plugin.services.context import Context
from plugin.services.logins import BadLink, hashed, machine_now
from plugin.store.models.senders import SenderCheck, SenderDomain
from plugin.store.models.shops import Shop
from plugin.store.upserts import insert_for
from schemas.settings import ShopSettings, load_settings

LINK_LIFE = timedelta(hours=24)
AGAIN = timedelta(minutes=2)  # so soon after a question none more is mailed to the same address
ADDRESSES, WINDOW = 5, timedelta(hours=1)  # so many addresses may a shop have us write to in so long
AT_ONCE = 20
TRIES = 8
LATER = timedelta(minutes=1)  # after the mail server put one off
NONE, SET, ASKED, VERIFIED = "none", "set", "asked", "verified"

BY_LINK = "sender link"  # who confirmed it, in the change log: whoever reads that mailbox
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SenderState:
    """`state`: none (no address of its own), set, asked, verified. `at`: when it was asked or verified.

    `domain`: what its DNS said when it was looked up; None before that, or when the address is of another one now.
    """

    state: str
    address: str | None
    at: datetime | None = None
    domain: SenderDomain | None = None


def sender_state(session: Session, shop: Shop, settings: ShopSettings) -> SenderState:
    address = normalise_email(settings.sender.email)
    if address is None:
        return SenderState(NONE, settings.sender.email)
    known = session.get(SenderDomain, shop.id)
    domain = known if known and known.domain == address.rpartition("@")[2] else None
    row = session.scalar(select(SenderCheck).where(SenderCheck.shop_id == shop.id, SenderCheck.address == address))
    if row is None:
        return SenderState(SET, address, None, domain)
    if row.verified_at:
        return SenderState(VERIFIED, address, row.verified_at, domain)
    waits = row.mail_at is not None or (row.expires_at is not None and row.expires_at > machine_now())
    return SenderState(ASKED if waits else SET, address, row.asked_at, domain)


def ask(session: Session, shop_id: int, raw: str) -> bool:
    """Have a link mailed to the address. False when it is verified, no address, or was asked too often lately."""
    now, address = machine_now(), normalise_email(raw)
    if address is None:
        return False
    c = SenderCheck
    row = session.scalar(select(c).where(c.shop_id == shop_id, c.address == address).with_for_update())
    lately = select(func.count()).where(c.shop_id == shop_id, c.address != address, c.asked_at > now - WINDOW)
    if row is None:
        if session.execute(lately).scalar_one() >= ADDRESSES:
            return False
        fresh = insert_for(session, c).values(
            shop_id=shop_id, address=address, mail_at=now, asked_at=now, attempts=0
        )
        session.execute(fresh.on_conflict_do_nothing(index_elements=["shop_id", "address"]))
        return True
    if row.verified_at or (row.asked_at and row.asked_at > now - AGAIN):
        return False
    if session.execute(lately).scalar_one() >= ADDRESSES:
        return False
    row.mail_at, row.asked_at, row.attempts = now, now, 0
    return True


def sender_changed(session: Session, shop_id: int, before: ShopSettings, after: ShopSettings) -> None:
    """Another sender address was set: ask it, and have its domain looked up. Does not commit."""
    if before.sender.email == after.sender.email:
        return
    if after.sender.email:
        ask(session, shop_id, after.sender.email)
    errands.ask(session, shop_id, errands.SENDER)


def any_question(ctx: Context) -> bool:
    with ctx.database.reading() as session:
        return session.scalar(_wanted().limit(1)) is not None


def mail_questions(ctx: Context, transport: Transport) -> int:
    """Mail the links that were asked for. Returns how many left."""
    with ctx.database.reading() as session:
        ids = session.scalars(_wanted().limit(AT_ONCE)).all()
    return sum(_mail_question(ctx, transport, id_) for id_ in ids)


def _wanted() -> Select[int]:
    return select(SenderCheck.id).where(SenderCheck.mail_at.is_not(None), SenderCheck.mail_at <= machine_now())


def _mail_question(ctx: Context, transport: Transport, id_: int) -> bool:
    """The hash is committed before the mail leaves: of two workers one mails the link."""
    token, now = secrets.token_urlsafe(32), machine_now()
    with ctx.database.transaction() as session:
        row = session.execute(
            update(SenderCheck)
            .where(SenderCheck.id == id_, SenderCheck.mail_at <= now)
            .values(token_hash=hashed(token), mail_at=None, asked_at=now, expires_at=now + LINK_LIFE)
            .returning(SenderCheck.shop_id, SenderCheck.address, SenderCheck.attempts)
        ).one_or_none()
        shop = session.get(Shop, row.shop_id) if row else None
        if row is None or shop is None or shop.uninstalled_at:
            return False
        mail = _mail(shop, row.address, f"{ctx.settings.public_url}/sender/{token}", id_, now)
    try:
        transport.send(mail.sender_address, mail.to, build(mail))
    except SendError as exc:
        log.warning("sender_question_not_mailed", extra={"question": id_, "reason": exc.reason})
        over = isinstance(exc, Permanent) or row.attempts + 1 >= TRIES
        with ctx.database.transaction() as session:
            again = {"token_hash": None, "expires_at": None, "attempts": row.attempts + 1,
                     "mail_at": None if over else machine_now() + LATER}  # fmt: skip
            session.execute(
                update(SenderCheck)
                .where(SenderCheck.id == id_, SenderCheck.token_hash == hashed(token))
                .values(again)
            )
        return False
    return True


def look(session: Session, token: str) -> tuple[str, str]:
    """(shop's name, address) that a good link is about; the link stays good. Raises BadLink."""
    row = session.execute(
        select(Shop, SenderCheck.address)
        .join(SenderCheck, SenderCheck.shop_id == Shop.id)
        .where(
            SenderCheck.token_hash == hashed(token), SenderCheck.expires_at > machine_now(),
            Shop.uninstalled_at.is_(None),
        )
    ).first()  # fmt: skip
    if row is None:
        raise BadLink
    return shop_name(row[0]), row[1]


def confirm(ctx: Context, token: str) -> tuple[str, str]:
    """Use the link up: the address is the shop's. Raises BadLink."""
    now = machine_now()
    with ctx.database.transaction() as session:
        told = look(session, token)
        row = session.execute(
            update(SenderCheck)
            .where(SenderCheck.token_hash == hashed(token), SenderCheck.expires_at > now)
            .values(token_hash=None, verified_at=now, mail_at=None)
            .returning(SenderCheck.shop_id)
        ).one_or_none()
        if row is None:
            raise BadLink
        record_change(session, row.shop_id, BY_LINK, "sender.verified", None, {"address": told[1]},
                      ctx.clock.now())  # fmt: skip
    return told


def _mail(shop: Shop, to: str, link: str, id_: int, now: datetime) -> Mail:
    """Not from the address that it asks: nobody knows yet whether the shop may write from it."""
    settings = load_settings(shop.settings)
    korean = text_language(settings.language or shop.locale) == "ko"
    sender, name = sender_of(shop, ShopSettings(support=settings.support)), shop_name(shop)
    key = f"{shop.code}/sender/{id_}/{now:%Y%m%d%H%M%S}"
    if korean:
        subject, button = f"{name}: 보내는 주소를 확인해 주세요", "주소 확인하기"
        parts = (
            f"{name}에서 이 주소로 고객에게 메일을 보내려고 합니다. 쇼핑몰의 주소가 맞다면 아래 링크를 눌러 주세요.",
            "링크는 24시간 동안 한 번만 사용할 수 있습니다.",
            "요청하신 적이 없다면 이 메일은 무시하셔도 됩니다. 아무 일도 일어나지 않습니다.",
        )
    else:
        subject, button = f"{name}: is this your sender address?", "Confirm the address"
        parts = (
            f"{name} wants to write to its customers from this address. Open the link and confirm that it is yours.",
            "The link works once, for 24 hours.",
            "You did not ask for it? Then ignore this email: nothing happens.",
        )
    anchor = f'<p><a href="{escape(link)}">{button}</a></p>'
    return Mail(
        key=key,
        message_id=message_id(key, sender.address.rpartition("@")[2]),
        sender_name="Dasi",
        sender_address=sender.address,
        reply_to=sender.reply_to,
        to=to,
        subject=subject,
        text=f"{parts[0]}\n\n{link}\n\n{parts[1]}\n\n{parts[2]}\n",
        html=f"<p>{escape(parts[0])}</p>{anchor}<p>{escape(parts[1])}</p><p>{escape(parts[2])}</p>",
        feedback_id=f"sender:merchant:transactional:{shop.code}",
        language="ko" if korean else "en",
        date=now,
    )
