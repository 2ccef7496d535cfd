"""What a shop's messages led to, by step and period: past days from their rows, the latest from the messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.figures import COUNTS, Figures, days_of, mark_of, marks
from plugin.domain.flows import STEPS, MessageClass
from plugin.domain.zones import zone_for
from plugin.services.context import Context
from plugin.services.figure_days import Days, count_days
from plugin.services.shops import shop_of
from plugin.store.models.figures import FigureDay, FigureRun
from schemas.money import exponent
from schemas.settings import STEPS as FLOW_STEPS
from schemas.settings import ShopSettings, load_settings

LIVE_DAYS = 31  # so many days, the latest, are counted at once where nobody has counted them yet
FORMULA = "=+-@\t\r"  # a cell that begins so would be run by a spreadsheet


@dataclass(frozen=True)
class Report:
    """A period's figures. `by_step` in the flow's order, `drawn`: (first day, step -> figures) of each stretch.

    `counted_at`: the past days say what was known then; None: not counted yet. `first_counted`: days before it are
    missing until they are. `measured`: the steps whose mails carry the dot that tells of an opening, by the setting
    `track_opens`.
    """

    period: str
    first: date
    last: date
    counted_at: datetime | None
    first_counted: date | None
    by_step: dict[str, Figures]
    total: Figures
    drawn: list[tuple[date, dict[str, Figures]]]
    days: Days
    measured: frozenset[str]
    track_opens: str

    @property
    def currencies(self) -> list[str]:
        return sorted(self.total.revenue, key=lambda code: (-self.total.revenue[code], code))


def figures(ctx: Context, shop_id: int, period: str) -> Report:
    """The figures of a period ("7", "30", "90", "months") that ends today by the shop's calendar.

    Raises UnknownShop, and KeyError for a period that there is not.
    """
    now = ctx.clock.now()
    with ctx.database.reading() as session:
        shop = shop_of(session, shop_id)
        zone = zone_for(None, shop.timezone)
        first, last = days_of(period, now.astimezone(zone).date())
        run = session.get(FigureRun, shop_id)
        days = _stored(session, shop_id, first, last)
        missing = max(first, run.through + timedelta(days=1) if run else first, last - timedelta(days=LIVE_DAYS - 1))
        days |= count_days(session, shop_id, missing, last, zone)
        settings = load_settings(shop.settings)
    shown = _shown(days)
    by_step = {step: _sum(f for (_, s), f in days.items() if s == step) for step in shown}
    stretch = marks(period, first, last)
    drawn: dict[date, dict[str, Figures]] = {mark: {step: Figures() for step in shown} for mark in stretch}
    for (day, step), found in days.items():
        drawn[mark_of(day, stretch)].setdefault(step, Figures()).add(found)
    return Report(
        period=period,
        first=first,
        last=last,
        counted_at=run.seen_at if run else None,
        first_counted=missing if run is None and missing > first else None,
        by_step=by_step,
        total=_sum(by_step.values()),
        drawn=list(drawn.items()),
        days=days,
        measured=_measured(settings, by_step),
        track_opens=settings.track_opens,
    )


def csv_lines(report: Report) -> Iterator[str]:
    """The report as CSV, a line for each day and step on which something was sent; revenue in whole units."""
    currencies = report.currencies
    names = ("day", "step", "sent", "delivered", *COUNTS[1:], *(f"revenue {code}" for code in currencies))
    yield csv_line(names)
    order = list(STEPS)
    for day, step in sorted(report.days, key=lambda key: (key[0], order.index(key[1]) if key[1] in order else 99)):
        found = report.days[day, step]
        counts = [getattr(found, name) for name in ("sent", "delivered", *COUNTS[1:])]
        yield csv_line((day.isoformat(), step, *counts, *(_major(found.revenue[code], code) for code in currencies)))


def csv_line(cells: Iterable[object]) -> str:
    """One line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula is prefixed with an apostrophe."""
    return ",".join(_cell(str(cell)) for cell in cells) + "\r\n"


def _cell(text: str) -> str:
    if text.startswith(tuple(FORMULA)):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _major(minor: int, currency: str) -> str:
    places = exponent(currency)
    return f"{minor / 10**places:.{places}f}"


def _stored(session: Session, shop_id: int, first: date, last: date) -> Days:
    d = FigureDay
    columns = (d.day, d.step, *(getattr(d, name) for name in COUNTS), d.revenue)
    rows = session.execute(select(*columns).where(d.shop_id == shop_id, d.day >= first, d.day <= last))
    return {
        (day, step): Figures(**dict(zip(COUNTS, counts, strict=True)), revenue=Counter(revenue))
        for day, step, *counts, revenue in rows
    }


def _sum(found: Iterable[Figures]) -> Figures:
    total = Figures()
    for one in found:
        total.add(one)
    return total


def _shown(days: Days) -> list[str]:
    """The steps of the flow, and others of which something was sent."""
    sent = {step for _, step in days}
    return [step for step in STEPS if step in FLOW_STEPS or step in sent]


def _measured(settings: ShopSettings, by_step: dict[str, Figures]) -> frozenset[str]:
    """The steps for which openings mean something; figures from before a change of the setting still show."""
    carry = {
        step.name for step in STEPS.values() if step.name in by_step
        if settings.track_opens == "all"
        or (settings.track_opens == "marketing" and step.message_class is MessageClass.MARKETING)
    }  # fmt: skip
    return frozenset(carry | {step for step, f in by_step.items() if f.opened or f.machine_opened})
