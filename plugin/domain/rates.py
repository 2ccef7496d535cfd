"""How many messages may leave in a stretch of machine time: fixed windows, and the ramp of a new sending domain.

A window is fixed, so in the worst case two windows' worth leaves around the boundary of two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
WARM_UP_DAYS = 14  # after so many doublings a first day of 50 has become 400,000: mailbox providers know the domain

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Quota:
    """What was taken of one window, and how many messages were put off to later ones."""

    window_at: datetime
    used: int = 0
    put_off: int = 0


def warm_up_allowance(first_at: datetime, now: datetime, first_day: int) -> int | None:
    """How many a sending domain that was first used at `first_at` may send in the day of `now`; None: any number.

    `first_day` on the first day (UTC), twice as many on each day after.
    """
    days = (_window_of(now, DAY) - _window_of(first_at, DAY)).days
    return first_day * 2 ** max(days, 0) if days < WARM_UP_DAYS else None


def current(quota: Quota | None, now: datetime, length: timedelta) -> Quota:
    """The quota as it stands in the window of `now`: a new window begins empty. A clock set back opens none."""
    window_at = _window_of(now, length)
    return quota if quota is not None and quota.window_at >= window_at else Quota(window_at)


def take(quota: Quota, allowance: int, wanted: int) -> tuple[Quota, int]:
    """As many of `wanted` as the window has left."""
    granted = max(0, min(wanted, allowance - quota.used))
    return replace(quota, used=quota.used + granted), granted


def put_off(quota: Quota, allowance: int, length: timedelta) -> tuple[Quota, datetime]:
    """When to look again at a message for which the window has no room: each window is promised to as many as it holds,
    so that a long queue is not looked at anew in every one."""
    windows = 1 + quota.put_off // max(allowance, 1)
    return replace(quota, put_off=quota.put_off + 1), quota.window_at + windows * length


def _window_of(moment: datetime, length: timedelta) -> datetime:
    return moment - (moment - NEVER) % length
