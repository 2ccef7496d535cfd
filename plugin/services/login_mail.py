"""The magic link: asked for on the sign-in page, mailed by a worker to the shop's recorded owner and to nobody else.

The request is a row without a token; the worker makes the token, stores its hash and mails it, so that the token itself
is never at rest. Limits are machine time.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from html import escape

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from plugin.channels.email.errors import Retryable, SendError
from plugin.channels.email.mime import Mail, build, message_id
from plugin.channels.email.transport import Transport
from plugin.content.formats import text_language
from plugin.queues import SEND
from plugin.secrets import fingerprint
from plugin.services.compose import sender_of
from plugin.services.context import Context
from plugin.services.logins import LINK_LIFE, hashed, machine_now
from plugin.services.shops import find_shop
from plugin.store.models.merchants import LoginLink, LoginTry
from plugin.store.models.shops import Shop
from plugin.store.upserts import insert_for
from schemas.settings import load_settings

WINDOW_SECONDS = 15 * 60
TRIES = 10  # from one place in a window
LINKS = 3  # mailed to one shop in a window: nobody fills the owner's inbox
AT_ONCE = 20
AGAIN = timedelta(minutes=1)  # after the mail server put one off

log = logging.getLogger(__name__)


def ask_for_link(ctx: Context, domain: str, place: str) -> bool:
    """Have a link mailed, if there is such a shop with a recorded owner. False: this place asked too often.

    What the caller learns does not depend on whether the shop exists. `place`: the network address, kept as a hash.
    """
    now = machine_now()
    since = now - timedelta(seconds=WINDOW_SECONDS)
    with ctx.database.transaction() as session:
        if not _may_try(session, fingerprint(ctx.settings.secret_key, "login", place), now, since):
            return False
        shop = find_shop(session, domain)
        if shop is not None and shop.email and shop.uninstalled_at is None and _mailed(session, shop.id, since) < LINKS:
            session.add(LoginLink(shop_id=shop.id, via="mail", made_at=now, expires_at=now + LINK_LIFE, mail_at=now))
    ctx.queues.nudge(SEND)
    return True


def any_link(ctx: Context) -> bool:
    """Whether a link was asked for and not mailed yet."""
    with ctx.database.reading() as session:
        return session.scalar(_asked().limit(1)) is not None


def mail_links(ctx: Context, transport: Transport) -> int:
    """Mail the links that were asked for. Returns how many. What cannot be mailed now is tried again until it ends."""
    with ctx.database.reading() as session:
        ids = session.scalars(_asked().limit(AT_ONCE)).all()
    return sum(_mail_link(ctx, transport, id_) for id_ in ids)


def _mail_link(ctx: Context, transport: Transport, link_id: int) -> bool:
    """The hash is committed before the mail leaves: two workers mail one link."""
    token = secrets.token_urlsafe(32)
    with ctx.database.transaction() as session:
        shop_id = session.execute(
            update(LoginLink)
            .where(LoginLink.id == link_id, LoginLink.token_hash.is_(None))
            .values(token_hash=hashed(token), expires_at=machine_now() + LINK_LIFE)
            .returning(LoginLink.shop_id)
        ).scalar()
        shop = session.get(Shop, shop_id) if shop_id is not None else None
        if shop is None or not shop.email or shop.uninstalled_at:
            return False
        mail = _mail(shop, f"{ctx.settings.public_url}/login/{token}", link_id, machine_now())
    try:
        transport.send(mail.sender_address, mail.to, build(mail))
    except SendError as exc:
        log.warning("login_link_not_mailed", extra={"link": link_id, "reason": exc.reason})
        if isinstance(exc, Retryable):
            with ctx.database.transaction() as session:
                again = {"token_hash": None, "mail_at": machine_now() + AGAIN}
                session.execute(update(LoginLink).where(LoginLink.id == link_id).values(again))
        return False
    return True


def _asked() -> Select[int]:
    now = machine_now()
    return select(LoginLink.id).where(
        LoginLink.token_hash.is_(None), LoginLink.mail_at <= now, LoginLink.expires_at > now
    )


def _may_try(session: Session, key: str, now: datetime, since: datetime) -> bool:
    """Count this try. False when the window is used up."""
    session.execute(delete(LoginTry).where(LoginTry.window_at <= since))
    statement = insert_for(session, LoginTry).values(key=key, window_at=now, used=1)
    used = session.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"used": LoginTry.used + 1})
        .returning(LoginTry.used)
    ).scalar_one()
    return int(used) <= TRIES


def _mailed(session: Session, shop_id: int, since: datetime) -> int:
    asked = select(func.count()).where(LoginLink.shop_id == shop_id, LoginLink.made_at > since, LoginLink.via == "mail")
    return session.execute(asked).scalar_one()


def _mail(shop: Shop, address: str, link_id: int, now: datetime) -> Mail:
    korean = text_language(shop.locale) == "ko"
    sender, key = sender_of(shop, load_settings(shop.settings)), f"{shop.code}/login/{link_id}"
    name = shop.name or shop.domain
    if korean:
        subject, button = f"{name} 설정 페이지 로그인", "로그인"
        parts = (
            f"아래 링크를 열면 {name}의 Dasi 페이지에 로그인됩니다. 링크는 15분 동안 한 번만 사용할 수 있습니다.",
            "로그인을 요청하지 않으셨다면 이 메일은 무시하셔도 됩니다. 아무 일도 일어나지 않습니다.",
        )
    else:
        subject, button = f"Sign in to the pages of {name}", "Sign in"
        parts = (
            f"Open this link to sign in to Dasi's pages for {name}. It works once, for 15 minutes.",
            "You did not ask for it? Then ignore this email: nothing happens.",
        )
    link = f'<p><a href="{escape(address)}">{button}</a></p>'
    return Mail(
        key=key,
        message_id=message_id(key, sender.address.rpartition("@")[2]),
        sender_name="Dasi",
        sender_address=sender.address,
        reply_to=sender.reply_to,
        to=shop.email or "",
        subject=subject,
        text=f"{parts[0]}\n\n{address}\n\n{parts[1]}\n",
        html=f"<p>{escape(parts[0])}</p>{link}<p>{escape(parts[1])}</p>",
        feedback_id=f"login:merchant:transactional:{shop.code}",
        language="ko" if korean else "en",
        date=now,
    )
