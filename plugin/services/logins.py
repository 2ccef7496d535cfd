"""Ways in without the platform's admin: one-time links, and the sessions they open. All times are machine time.

Tokens are random and stored as hashes: whoever reads the database cannot sign in with what stands there.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.store.models.merchants import LoginLink, MerchantSession
from plugin.store.models.shops import Shop

LINK_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(days=30)
IDLE = timedelta(days=7)  # a session that nobody used for so long ends
ROTATE = timedelta(days=1)  # the cookie's token changes so often
GRACE = timedelta(minutes=1)  # and the one before holds so long for the requests under way
SEEN = timedelta(minutes=10)  # how exactly the last use is remembered
ACTORS = {"command": "login link", "mail": "shop owner", "demo": "demo visitor"}


class BadLink(LookupError):
    """The link is unknown, used or expired, or its shop is gone."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session. `token`: the new cookie, when it must be set, else None."""

    session_id: int
    shop_id: int
    domain: str
    actor: str
    csrf: str
    token: str | None = None


def machine_now() -> datetime:
    return datetime.now(UTC)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# -- links ------------------------------------------------------------------------------------------------------------
def make_link(session: Session, shop_id: int, via: str) -> str:
    """A fresh link's token. `via`: a key of ACTORS."""
    token, now = secrets.token_urlsafe(32), machine_now()
    session.add(
        LoginLink(shop_id=shop_id, token_hash=hashed(token), via=via, made_at=now, expires_at=now + LINK_LIFE)
    )
    return token


def look_at_link(session: Session, token: str) -> str:
    """The domain of the shop that a good link opens; the link stays good. Raises BadLink."""
    found = session.execute(
        select(Shop.domain)
        .join(LoginLink, LoginLink.shop_id == Shop.id)
        .where(
            LoginLink.token_hash == hashed(token), LoginLink.used_at.is_(None), LoginLink.expires_at > machine_now(),
            Shop.uninstalled_at.is_(None),
        )
    ).scalar()  # fmt: skip
    if found is None:
        raise BadLink
    return found


def use_link(ctx: Context, token: str) -> SignedIn:
    """Consume the link and open a session: of two that try at once, one gets in. Raises BadLink."""
    now = machine_now()
    with ctx.database.transaction() as session:
        domain = look_at_link(session, token)
        row = session.execute(
            update(LoginLink)
            .where(LoginLink.token_hash == hashed(token), LoginLink.used_at.is_(None), LoginLink.expires_at > now)
            .values(used_at=now)
            .returning(LoginLink.shop_id, LoginLink.via)
        ).one_or_none()
        if row is None:
            raise BadLink
        fresh = secrets.token_urlsafe(32)
        opened = MerchantSession(
            shop_id=row.shop_id, token_hash=hashed(fresh), csrf=secrets.token_urlsafe(24), actor=ACTORS[row.via],
            made_at=now, rotated_at=now, seen_at=now, expires_at=now + SESSION_LIFE,
        )  # fmt: skip
        session.add(opened)
        session.flush()
        return SignedIn(opened.id, row.shop_id, domain, opened.actor, opened.csrf, fresh)


# -- sessions ---------------------------------------------------------------------------------------------------------
def read_session(ctx: Context, token: str) -> SignedIn | None:
    """Who holds this cookie; None for nobody. Changes the token daily: then the answer holds the new one."""
    now, digest = machine_now(), hashed(token)
    with ctx.database.reading() as session:
        found = session.execute(
            select(MerchantSession, Shop.domain)
            .join(Shop, Shop.id == MerchantSession.shop_id)
            .where(
                or_(MerchantSession.token_hash == digest, MerchantSession.previous_hash == digest),
                MerchantSession.expires_at > now, MerchantSession.seen_at > now - IDLE, Shop.uninstalled_at.is_(None),
            )
        ).one_or_none()  # fmt: skip
    if found is None:
        return None
    row, domain = found
    if row.token_hash != digest and row.rotated_at <= now - GRACE:
        return None
    fresh = None
    if row.token_hash == digest and (row.rotated_at <= now - ROTATE or row.seen_at <= now - SEEN):
        fresh = _touch(ctx, row, digest, now)
    return SignedIn(row.id, row.shop_id, domain, row.actor, row.csrf, fresh)


def _touch(ctx: Context, row: MerchantSession, digest: str, now: datetime) -> str | None:
    """Remember the use, and change a token that is a day old: of several requests at once, one changes it."""
    fresh = secrets.token_urlsafe(32) if row.rotated_at <= now - ROTATE else None
    values = {"seen_at": now}
    with ctx.database.transaction() as session:
        statement = update(MerchantSession).where(MerchantSession.id == row.id, MerchantSession.token_hash == digest)
        if fresh is None:
            session.execute(statement.values(**values))
            return None
        changed = session.execute(
            statement.values(**values, token_hash=hashed(fresh), previous_hash=digest, rotated_at=now)
            .returning(MerchantSession.id)
        ).scalar()  # fmt: skip
    return fresh if changed is not None else None


def end_session(ctx: Context, session_id: int) -> None:
    with ctx.database.transaction() as session:
        session.execute(delete(MerchantSession).where(MerchantSession.id == session_id))


def end_sessions(session: Session, shop_id: int) -> None:
    """Sign everyone out of the shop, and let no link in that was made before."""
    session.execute(delete(MerchantSession).where(MerchantSession.shop_id == shop_id))
    session.execute(delete(LoginLink).where(LoginLink.shop_id == shop_id))


def prune_logins(session: Session) -> None:
    """Forget links and sessions that ended."""
    now = machine_now()
    session.execute(delete(LoginLink).where(LoginLink.expires_at <= now - timedelta(days=1)))
    session.execute(delete(MerchantSession).where(MerchantSession.expires_at <= now))
