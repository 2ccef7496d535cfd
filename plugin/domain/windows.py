"""Quiet hours and caps: when a message that may go has to wait a little. Transactional mail never does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.settings import Cap, QuietHours


def quiet_until(moment: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime | None:
    """The end (UTC) of the quiet hours that `moment` falls into, None outside them.

    Local wall times at the target date: a time that daylight saving skips is moved on by as much as was skipped (01:30
    becomes 02:30); of one that comes twice the first counts. Hours that end when they begin are none.
    """
    if quiet.start == quiet.end:
        return None
    local = moment.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        begin = datetime.combine(day, quiet.start, zone)
        end_day = day if quiet.end > quiet.start else day + timedelta(days=1)
        end = datetime.combine(end_day, quiet.end, zone)
        if begin.astimezone(UTC) <= moment < end.astimezone(UTC):
            return end.astimezone(UTC)
    return None


def capped_until(moment: datetime, cap: Cap, sent: Sequence[datetime]) -> datetime | None:
    """When the cap leaves room again, None when it does already. `sent`: the customer's service and marketing mail."""
    window = timedelta(days=cap.days)
    within = sorted(at for at in sent if moment - window < at <= moment)
    if len(within) < cap.messages:
        return None
    return within[-cap.messages] + window
