"""The shops' access tokens for the platform's API: expiring, encrypted at rest, renewed by one process at a time."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from plugin.platforms.shopify import tokens
from plugin.platforms.shopify.errors import Refused, Unavailable
from plugin.platforms.shopify.tokens import Grant, Lapsed
from plugin.secrets import Undecryptable
from plugin.services import errands, leases
from plugin.services.context import Context
from plugin.services.errands import CONSENTS, FIRST_SYNC, TOKEN, Claimed
from plugin.services.shops import shop_of
from plugin.store.models.platform import ConsentWriteback, Errand, ShopToken
from plugin.store.models.shops import Shop
from plugin.store.upserts import insert_for

EARLY = timedelta(minutes=5)  # renewed so long before its end; a step begun with it is over by then
STILL_GOOD = timedelta(seconds=20)  # whoever finds another process renewing goes on with what is left
LEASE_SECONDS = 45.0  # more than the package may take: three tries of ten seconds
PATIENCE = 20.0  # seconds that we wait for another process's renewal
IDLE = timedelta(days=7)  # the refresh token holds for ninety

log = logging.getLogger(__name__)


class NoToken(Exception):
    """The shop has no token that works: a merchant must open the app. The text says why, in plain words."""


class TokenRefused(NoToken):
    """The platform did not take the session token: App Bridge should bring a new one."""


def exchange(ctx: Context, shop_id: int, session_token: str) -> None:
    """Trade a verified session token (the raw JWT) for an expiring offline token, unless a good one is there.

    Cheap when it is, so it may be called at every request from the admin. The first token of an installation starts the
    first synchronisation; a shop that had removed the app is installed again, from now on and not live. Raises
    UnknownShop, TokenRefused, Unavailable.
    """
    with ctx.database.reading() as session:
        shop = shop_of(session, shop_id)
        if shop.uninstalled_at is None and _is_good(session.get(ShopToken, shop_id)):
            return
    with _alone(ctx, shop_id) as mine:
        if not mine:
            raise Unavailable("another process is getting the shop's token")
        with ctx.database.reading() as session:
            shop = shop_of(session, shop_id)
            if shop.uninstalled_at is None and _is_good(session.get(ShopToken, shop_id)):
                return
        try:
            grant = tokens.exchange(ctx.shopify, ctx.settings, shop.domain, session_token)
        except Refused as exc:
            raise TokenRefused(str(exc)) from None
        with ctx.database.transaction() as session:
            _install(session, ctx, shop_id, shop.uninstalled_at, grant)
    log.info("token_exchanged", extra={"shop": shop_id})


def access_token(ctx: Context, shop_id: int, spent: str | None = None) -> str:
    """The shop's access token, renewed before it lapses. `spent`: one that the API refused, so it must be another.

    Raises NoToken, Unavailable, Refused (the app's own key or secret is wrong).
    """
    end = time.monotonic() + PATIENCE
    while True:
        with ctx.database.reading() as session:
            row = session.get(ShopToken, shop_id)
        left = _left(row)
        assert row is not None
        held = _open(ctx, row.access_token)
        if left > EARLY and held != spent:
            return held
        with _alone(ctx, shop_id) as mine:
            if mine:
                return _renew(ctx, shop_id, spent)
        if left > STILL_GOOD and held != spent:
            return held
        if time.monotonic() >= end:
            raise Unavailable("another process is renewing the shop's token")
        time.sleep(0.1)


def refresh_idle(ctx: Context) -> int:
    """Have the tokens renewed that nobody used for a week, one by one in the background. Returns how many.

    A refresh token that is never used lapses after ninety days, and then only the merchant can bring a new one.
    """
    before = datetime.now(UTC) - IDLE
    with ctx.database.transaction() as session:
        idle = session.scalars(
            select(ShopToken.shop_id).where(ShopToken.renewed_at < before, ShopToken.lapsed_at.is_(None))
        ).all()
        for shop_id in sorted(idle):
            errands.ask(session, shop_id, TOKEN)
    return len(idle)


def step(ctx: Context, claimed: Claimed) -> None:
    """The errand that renews an idle token. Raises what `access_token` does, LostClaim."""
    with ctx.database.reading() as session:
        row = session.get(ShopToken, claimed.shop_id)
    _left(row)
    assert row is not None
    if row.renewed_at < datetime.now(UTC) - IDLE:
        access_token(ctx, claimed.shop_id, spent=_open(ctx, row.access_token))
    with ctx.database.transaction() as session:
        errands.proceed(session, claimed, {}, None)


def forget(session: Session, shop_id: int) -> None:
    """The shop removed the app: its tokens go at once, and so does all work with its API."""
    session.execute(delete(ShopToken).where(ShopToken.shop_id == shop_id))
    errands.forget(session, shop_id)


def scopes_changed(session: Session, shop_id: int, scopes: list[str]) -> None:
    """What the app may do in the shop has changed: what had failed for want of a permission is tried anew."""
    session.execute(update(ShopToken).where(ShopToken.shop_id == shop_id).values(scopes=scopes))
    denied = session.scalars(
        update(ConsentWriteback)
        .where(ConsentWriteback.shop_id == shop_id, ConsentWriteback.next_at > datetime.now(UTC))
        .values(next_at=datetime.now(UTC))
        .returning(ConsentWriteback.id)
        .execution_options(synchronize_session=False)
    ).all()
    stuck = session.scalars(select(Errand.kind).where(Errand.shop_id == shop_id, Errand.attempts > 0)).all()
    for kind in {*stuck, *({CONSENTS} if denied else ())}:
        errands.ask(session, shop_id, kind)


def _install(session: Session, ctx: Context, shop_id: int, uninstalled_at: datetime | None, grant: Grant) -> None:
    """Keep the token and begin, unless the shop's installation has changed since we asked for it."""
    shop = session.scalar(
        select(Shop).where(Shop.id == shop_id).with_for_update().execution_options(populate_existing=True)
    )
    if shop is None or shop.uninstalled_at != uninstalled_at:
        raise TokenRefused("the app was removed in between")
    again = shop.uninstalled_at is not None
    if again:
        shop.uninstalled_at, shop.installed_at = None, ctx.clock.now().replace(microsecond=0)
    shop.scopes = list(grant.scopes)
    values = _values(ctx, grant)
    session.execute(
        insert_for(session, ShopToken).values(shop_id=shop_id, **values)
        .on_conflict_do_update(index_elements=["shop_id"], set_=values)
    )  # fmt: skip
    rows = session.execute(select(Errand.kind, Errand.finished_at).where(Errand.shop_id == shop_id))
    known = {row.kind: row.finished_at for row in rows}
    if again or FIRST_SYNC not in known:
        errands.ask(session, shop_id, FIRST_SYNC, restart=True)
    elif known[FIRST_SYNC] is None:
        errands.ask(session, shop_id, FIRST_SYNC)
    untold = select(ConsentWriteback.id).where(ConsentWriteback.shop_id == shop_id).limit(1)
    waiting = {CONSENTS} if session.scalar(untold) is not None else set()
    for kind in (waiting | set(known)) - {FIRST_SYNC}:  # what had to stop for want of a token
        errands.ask(session, shop_id, kind)


def _renew(ctx: Context, shop_id: int, spent: str | None) -> str:
    """With the lease in hand: the token as it is now, renewed unless another process just did."""
    with ctx.database.reading() as session:
        row = session.get(ShopToken, shop_id)
        domain = session.scalar(select(Shop.domain).where(Shop.id == shop_id))
    left = _left(row)
    assert row is not None
    assert domain is not None
    held = _open(ctx, row.access_token)
    if left > EARLY and held != spent:
        return held
    if row.refresh_token is None:
        raise NoToken("the shop's token cannot be renewed: open the app")
    mine = (ShopToken.shop_id == shop_id, ShopToken.refresh_token == row.refresh_token)
    try:
        grant = tokens.renew(ctx.shopify, ctx.settings, domain, _open(ctx, row.refresh_token))
    except Lapsed as exc:
        with ctx.database.transaction() as session:
            session.execute(update(ShopToken).where(*mine).values(lapsed_at=datetime.now(UTC)))
        log.warning("token_lapsed", extra={"shop": shop_id})
        raise NoToken(f"{exc}: open the app") from None
    # Until this is committed nobody uses the new token, so the old refresh token still holds.
    with ctx.database.transaction() as session:
        kept = session.scalars(
            update(ShopToken).where(*mine).values(_values(ctx, grant)).returning(ShopToken.shop_id)
            .execution_options(synchronize_session=False)
        ).all()  # fmt: skip
    if not kept:
        raise NoToken("the app was removed in between")
    log.info("token_renewed", extra={"shop": shop_id})
    return grant.access_token


@contextmanager
def _alone(ctx: Context, shop_id: int) -> Iterator[bool]:
    """The lease under which one process deals with this shop's token. False: another one has it."""
    name, holder = f"token:{shop_id}", uuid.uuid4().hex
    with ctx.database.transaction() as session:
        mine = leases.acquire(session, name, holder, LEASE_SECONDS)
    try:
        yield mine
    finally:
        if mine:
            with ctx.database.transaction() as session:
                leases.release(session, name, holder)


def _is_good(row: ShopToken | None) -> bool:
    """Whether it works, or can be made to work without the merchant."""
    if row is None or row.lapsed_at:
        return False
    now = datetime.now(UTC)
    renewable = row.refresh_token is not None and (row.refresh_expires_at is None or row.refresh_expires_at > now)
    return renewable or row.access_expires_at > now + EARLY


def _left(row: ShopToken | None) -> timedelta:
    """How long the access token still holds. Raises NoToken for one that is not there or has lapsed."""
    if row is None:
        raise NoToken("the shop has given us no token yet: open the app")
    if row.lapsed_at:
        raise NoToken("the shop's access has lapsed: open the app")
    return row.access_expires_at - datetime.now(UTC)


def _open(ctx: Context, sealed: str) -> str:
    try:
        return ctx.vault.open(sealed)
    except Undecryptable:
        raise NoToken("the shop's token is encrypted with a key that ENCRYPTION_KEYS no longer holds") from None


def _values(ctx: Context, grant: Grant) -> dict[str, object]:
    return {
        "access_token": ctx.vault.seal(grant.access_token),
        "access_expires_at": grant.access_expires_at,
        "refresh_token": ctx.vault.seal(grant.refresh_token) if grant.refresh_token else None,
        "refresh_expires_at": grant.refresh_expires_at,
        "scopes": list(grant.scopes),
        "renewed_at": datetime.now(UTC),
        "lapsed_at": None,
    }
