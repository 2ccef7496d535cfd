"""Keys to the JSON API: making, listing, revoking, and whose key it is."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.store.models.api_keys import ApiKey
from plugin.store.models.shops import Shop

PREFIX = "dasi_"  # so that a key left in a repository is found by those who look for such things
MOST = 20  # keys of one shop that are not revoked
NOTED_EVERY = timedelta(minutes=1)


class TooManyKeys(Exception):
    """The shop has as many keys as it may have: one must be revoked first."""


class NoSuchKey(LookupError):
    """The shop has no such key, or it was revoked before."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is the key itself: shown now and never again."""

    id: int
    name: str
    secret: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API."""

    shop_id: int
    key_id: int
    name: str
    makes_keys: bool


def make_key(session: Session, shop_id: int, name: str, made_by: str, *, makes_keys: bool = False) -> NewKey:
    """`makes_keys`: it may make and revoke keys itself. Raises TooManyKeys."""
    session.execute(select(Shop.id).where(Shop.id == shop_id).with_for_update())
    mine = ApiKey.shop_id == shop_id, ApiKey.revoked_at.is_(None)
    if (session.scalar(select(func.count()).select_from(ApiKey).where(*mine)) or 0) >= MOST:
        raise TooManyKeys
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        shop_id=shop_id,
        name=name,
        digest=_digest(secret),
        hint=secret[-4:],
        made_at=datetime.now(UTC),
        made_by=made_by,
        makes_keys=makes_keys,
    )
    session.add(key)
    session.flush()
    return NewKey(key.id, name, secret)


def list_keys(session: Session, shop_id: int) -> Sequence[ApiKey]:
    """The shop's keys that still open, the newest first."""
    mine = ApiKey.shop_id == shop_id, ApiKey.revoked_at.is_(None)
    return session.scalars(select(ApiKey).where(*mine).order_by(ApiKey.id.desc())).all()


def revoke_key(session: Session, shop_id: int, key_id: int) -> str:
    """From now on it opens nothing. Gives its name. Raises NoSuchKey."""
    name: str | None = session.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.shop_id == shop_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
        .returning(ApiKey.name)
    )
    if name is None:
        raise NoSuchKey(key_id)
    return name


def caller_of(ctx: Context, secret: str) -> Caller | None:
    """Whose key it is; None when it opens nothing. A shop that uninstalled Dasi has no say any more."""
    if not secret.startswith(PREFIX) or len(secret) > 100:
        return None
    with ctx.database.reading() as session:
        row = session.execute(
            select(ApiKey.id, ApiKey.shop_id, ApiKey.name, ApiKey.makes_keys, ApiKey.used_at)
            .join(Shop, Shop.id == ApiKey.shop_id)
            .where(ApiKey.digest == _digest(secret), ApiKey.revoked_at.is_(None), Shop.uninstalled_at.is_(None))
        ).first()
    if row is None:
        return None
    now = datetime.now(UTC)
    if row.used_at is None or row.used_at < now - NOTED_EVERY:
        stale = or_(ApiKey.used_at.is_(None), ApiKey.used_at < now - NOTED_EVERY)
        with ctx.database.transaction() as session:
            session.execute(update(ApiKey).where(ApiKey.id == row.id, stale).values(used_at=now))
    return Caller(row.shop_id, row.id, row.name, row.makes_keys)


def _digest(secret: str) -> str:
    """A key is 256 random bits: a plain hash is enough, none of the slow ones that weak passwords need."""
    return hashlib.sha256(secret.encode()).hexdigest()
