"""Works off the errands: each kind has its step, and every way in which a shop's API fails has its pause."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError

from plugin.platforms.shopify.errors import AccessDenied, AdminError, Throttled, Unavailable
from plugin.services import (
    consent_import,
    consent_writeback,
    errands,
    feedback_work,
    leases,
    reconcile_shop,
    replanning,
    sender_domain,
    shop_tokens,
    sync,
)
from plugin.services.context import Context
from plugin.services.errands import (
    CONSENT_IMPORT,
    CONSENTS,
    FEEDBACK,
    FIRST_SYNC,
    RECONCILE,
    REPLAN,
    SENDER,
    TOKEN,
    TRAIN,
    Claimed,
    LostClaim,
)
from plugin.services.recommender import train
from plugin.services.shop_tokens import NoToken
from plugin.services.shops import UnknownShop
from plugin.store.models.shops import Lease
from plugin.store.session import database_now

DENIED_AGAIN = 6 * 3600.0  # seconds: a permission may be granted, a shop reopened
SLOW = 3.0  # seconds after which a failure has held up a worker that should have read webhooks or sent mail
REST, REST_SECONDS = "shops:rest", 20.0  # after such a failure no worker takes up an errand for so long

STEPS: dict[str, Callable[[Context, Claimed], None]] = {
    FIRST_SYNC: sync.step,
    RECONCILE: reconcile_shop.step,
    CONSENTS: consent_writeback.step,
    TOKEN: shop_tokens.step,
    REPLAN: replanning.step,
    FEEDBACK: feedback_work.step,
    CONSENT_IMPORT: consent_import.step,
    SENDER: sender_domain.step,
    TRAIN: train.step,
}

log = logging.getLogger(__name__)


def work_off(ctx: Context) -> int:
    """One step of the errand that waits longest. Returns 1, or 0 when nothing waits.

    While the platform is given a rest, only what needs nothing from it is done.

    Outages of the database are raised: the claim lapses by itself.
    """
    claimed = errands.claim(ctx, errands.OURS if _resting(ctx) else ())
    if claimed is None:
        return 0
    begun = time.monotonic()
    try:
        STEPS[claimed.kind](ctx, claimed)
    except (LostClaim, UnknownShop):
        log.info("errand_lost", extra=_named(claimed))
    except Throttled as exc:
        errands.postpone(ctx, claimed, max(exc.wait, 0.1), None, failed=False)
    except NoToken as exc:
        errands.postpone(ctx, claimed, None, str(exc))
    except AccessDenied as exc:
        _failed(ctx, claimed, exc, DENIED_AGAIN)
    except AdminError as exc:
        _failed(ctx, claimed, exc, errands.backoff(claimed.attempts))
        if isinstance(exc, Unavailable) and time.monotonic() - begun >= SLOW:
            _rest(ctx, claimed)
    except (OperationalError, InterfaceError):
        raise
    except Exception as exc:
        log.exception("errand_failed", extra=_named(claimed))
        errands.postpone(ctx, claimed, errands.backoff(claimed.attempts), f"a fault of ours: {type(exc).__name__}")
    return 1


def _resting(ctx: Context) -> bool:
    with ctx.database.reading() as session:
        until = session.scalar(select(Lease.until).where(Lease.name == REST))
        return until is not None and until > database_now(session)


def _rest(ctx: Context, claimed: Claimed) -> None:
    with ctx.database.transaction() as session:
        leases.acquire(session, REST, claimed.holder, REST_SECONDS)
    log.warning("shops_rest", extra={"seconds": REST_SECONDS})


def _failed(ctx: Context, claimed: Claimed, exc: AdminError, seconds: float) -> None:
    log.warning("errand_postponed", extra={**_named(claimed), "why": type(exc).__name__, "seconds": seconds})
    errands.postpone(ctx, claimed, seconds, str(exc)[:500])


def _named(claimed: Claimed) -> dict[str, object]:
    return {"shop": claimed.shop_id, "errand": claimed.kind}
