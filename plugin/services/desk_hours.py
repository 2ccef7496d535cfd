"""A shop's opening hours: read for the reply clock, and saved from the desk's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from plugin.domain.desk_hours import WEEKDAYS, DeskHours, Span, assumed
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.store.models import desk
from plugin.store.models.shops import Shop

SPANS = 2  # of one day: the form has room for a lunch break
GOALS = (1, 24 * 60)  # minutes


class BadHours(ValueError):
    """The hours given are none. `field`: a weekday, `zone` or `goal_minutes`."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def hours_of(session: Session, shop: Shop) -> DeskHours:
    """What the shop told, else office hours in its own zone."""
    row = session.get(desk.DeskHours, shop.id)
    if row is None:
        return assumed(_zone(shop.timezone or "UTC") or ZoneInfo("UTC"))
    days = tuple(tuple(_span(told) for told in row.days.get(day, ())) for day in WEEKDAYS)
    return DeskHours(zone=_zone(row.zone) or ZoneInfo("UTC"), days=days, goal=timedelta(minutes=row.goal_minutes))


def save_hours(
    session: Session,
    ctx: Context,
    shop_id: int,
    days: Mapping[str, Sequence[tuple[str, str]]],
    zone: str,
    goal_minutes: int,
    actor: str,
) -> None:
    """Store the hours: {"mon": [("10:00", "18:00")] …}, a day left out being closed. Clocks that run stay as they are.

    Raises BadHours, LookupError for a shop that is none.
    """
    shop = session.get(Shop, shop_id)
    if shop is None:
        raise LookupError(shop_id)
    if _zone(zone) is None:
        raise BadHours("zone")
    if not GOALS[0] <= goal_minutes <= GOALS[1]:
        raise BadHours("goal_minutes")
    kept = {day: [list(span) for span in _checked(day, days.get(day, ()))] for day in WEEKDAYS}
    row = session.get(desk.DeskHours, shop_id)
    before = _told(row) if row else None
    if row is None:
        row = desk.DeskHours(shop_id=shop_id)
        session.add(row)
    row.zone, row.days, row.goal_minutes = zone, {day: spans for day, spans in kept.items() if spans}, goal_minutes
    record_change(session, shop_id, actor, "desk.hours", before, _told(row), ctx.clock.now())


def _told(row: desk.DeskHours) -> dict[str, object]:
    return {"zone": row.zone, "days": row.days, "goal_minutes": row.goal_minutes}


def _checked(day: str, told: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The spans in order, each behind the one before it."""
    try:
        spans = sorted((_span(pair), pair) for pair in told)
    except ValueError:
        raise BadHours(day) from None
    for number, ((start, end), _) in enumerate(spans):
        last = number == len(spans) - 1
        if start == end or (end < start and not (last and end == time(0))):
            raise BadHours(day)
        if not last and spans[number + 1][0][0] < end:
            raise BadHours(day)
    if len(spans) > SPANS:
        raise BadHours(day)
    return [pair for _, pair in spans]


def _span(told: Sequence[str]) -> Span:
    """Raises ValueError."""
    start, end = told
    return time.fromisoformat(start), time.fromisoformat(end)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
