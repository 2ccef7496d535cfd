"""Who calls the API: a key in the Authorization header, and how often it may call."""

from __future__ import annotations

import functools
import logging
import time

from flask import Response, g, request
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter, RateLimiter
from redis import ConnectionPool

from plugin.queues import NUDGE_SECONDS
from plugin.services.api_keys import Caller, caller_of
from plugin.web.errors import problem
from plugin.web.wiring import context

PER_MINUTE = 300  # calls with one key
RATE = RateLimitItemPerMinute(PER_MINUTE, namespace="dasi")

log = logging.getLogger(__name__)


def caller() -> Caller:
    """Who calls; only within a request that `admit` let in."""
    known: Caller = g.api_caller
    return known


def admit() -> Response | None:
    """Before each request: 401 without a key that opens, 429 with one that calls too often."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    known = caller_of(context(), secret.strip()) if scheme.lower() == "bearer" else None
    if known is None:
        refusal = problem(401, "unauthorized", "Send a key of this shop: Authorization: Bearer dasi_…", "Authorization")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal
    g.api_caller = known
    return _paced(str(known.key_id))


def _paced(key: str) -> Response | None:
    """Machine time. Without Valkey nobody is counted: better to answer too much than nothing."""
    limiter = _limiter(context().settings.redis_url)
    try:
        allowed = limiter.hit(RATE, key)
        reset_at, left = limiter.get_window_stats(RATE, key)
    except StorageError as exc:
        log.warning("api_calls_not_counted", extra={"kind": type(exc.__cause__ or exc).__name__})
        return None
    wait = max(1, round(reset_at - time.time()))
    g.api_rate = {"RateLimit-Limit": str(PER_MINUTE), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(wait)}
    if allowed:
        return None
    refusal = problem(429, "too_many_requests", f"At most {PER_MINUTE} calls a minute: wait {wait} seconds.")
    refusal.headers["Retry-After"] = str(wait)
    return refusal


def finish(response: Response) -> Response:
    """After each request: nothing of a shop's is stored on the way, and the caller knows what is left of its rate."""
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(g.get("api_rate", {}))
    return response


@functools.cache
def _limiter(redis_url: str) -> RateLimiter:
    """Over a pool of our own, because `limits` does not read the address of a socket as redis-py writes it."""
    pool = ConnectionPool.from_url(redis_url, socket_timeout=NUDGE_SECONDS, socket_connect_timeout=NUDGE_SECONDS)
    return FixedWindowRateLimiter(RedisStorage("redis://", connection_pool=pool, wrap_exceptions=True))
