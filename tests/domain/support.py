"""Readable histories and readable plans: "2 Nov 09:00" is a moment of 2026 in UTC, 2 November a Monday.

A plan is shown as one line for each message, such as::

    thank_you       planned 2 Nov 09:00
    shipped P1+P2   planned 3 Nov 12:10       told in one message, keyed by the first parcel
    shipped P2      cancelled: told with P1
    delivered P1    planned ~10 Nov 12:00     "~": by the estimate, so the mail asks
    survey          waiting: waits for shipping
    thank_you       left                      sending, sent or failed: whatever the plan says now, nothing follows
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from plugin.domain.consent import ConsentWords
from plugin.domain.flows import State
from plugin.domain.history import Act, Answer, History, Left, Line, NewerOrder, NotArrived, Order, Parcel, Word
from plugin.domain.timeline import Planned, plan
from schemas.settings import ShopSettings, StepSettings

ORDER = "order"
SETTINGS = ShopSettings()


def at(text: str) -> datetime:
    """ "2 Nov 09:00", in 2026 unless a year is given: "2 Nov 2025 09:00"."""
    pattern = "%d %b %Y %H:%M" if re.search(r"\b20\d\d\b", text) else "%d %b %H:%M %Y"
    return datetime.strptime(text if "%Y %H" in pattern else f"{text} 2026", pattern).replace(tzinfo=UTC)


def maybe(text: str | None) -> datetime | None:
    return at(text) if text else None


def line(line_id: str, remaining: int = 1, *, digital: bool = False) -> Line:
    return Line(line_id=line_id, remaining=remaining, requires_shipping=not digital)


def parcel(
    parcel_id: str,
    shipped: str,
    delivered: str | None = None,
    *,
    expected: str | None = "in a week",
    holds: dict[str, int] | None = None,
    number: bool = True,
    called_off: bool = False,
    words: dict[str, str] | None = None,
) -> Parcel:
    """`holds`: quantities by line, None for a parcel that holds all. `words`: what the carrier said, by moment."""
    shipped_at = at(shipped)
    estimated_at = shipped_at + timedelta(days=7) if expected == "in a week" else maybe(expected)
    return Parcel(
        parcel_id=parcel_id,
        shipped_at=shipped_at,
        name=parcel_id,
        on_its_way=not called_off,
        has_number=number,
        lines=tuple((holds or {}).items()),
        words=tuple(Word(status, at(moment)) for moment, status in (words or {}).items()),
        delivered_at=maybe(delivered),
        estimated_at=estimated_at,
    )


def issue(parcel_id: str | None, opened: str, *, arrived: str | None = None, lost: str | None = None) -> NotArrived:
    outcome = "arrived" if arrived else "lost" if lost else None
    return NotArrived(parcel_id, at(opened), maybe(arrived or lost), outcome)


def yes(parcel_id: str, moment: str) -> Answer:
    return Answer(parcel_id, True, at(moment))


def not_yet(parcel_id: str, moment: str) -> Answer:
    return Answer(parcel_id, False, at(moment))


def act(kind: str, step: str, moment: str, subject: str = ORDER) -> Act:
    return Act(kind, step, subject, at(moment))


def bought(name: str, moment: str, *, counts: bool = True) -> NewerOrder:
    return NewerOrder(name, at(moment), counts)


def left(step: str, moment: str, *parcels: str, state: State = State.SENT, copy: int = 0) -> Left:
    subject = parcels[0] if parcels else ORDER
    return Left(step=step, subject=subject, copy=copy, state=state, at=at(moment), parcels=parcels)


def words(
    subscribed: str | None = None, opted_out: str | None = None, checkbox: str | None = None, neutral: str | None = None
) -> ConsentWords:
    return ConsentWords(maybe(subscribed), maybe(opted_out), maybe(checkbox), maybe(neutral))


CONSENTED = words(subscribed="1 Nov 00:00")


def history(
    placed: str = "2 Nov 09:00",
    parcels: list[Parcel] | None = None,
    *,
    lines: list[Line] | None = None,
    installed: str = "1 Oct 00:00",
    live: bool = True,
    country: str | None = None,
    newer: list[NewerOrder] | None = None,
    answers: list[Answer] | None = None,
    issues: list[NotArrived] | None = None,
    acts: list[Act] | None = None,
    left: list[Left] | None = None,
    consent: ConsentWords = CONSENTED,
    suppressed: str | None = None,
    **order: Any,
) -> History:
    """One order of one line "A" that is shipped, of a customer who consented, unless told otherwise."""
    return History(
        order=Order(
            order_id=ORDER, placed_at=at(placed), lines=tuple(lines if lines is not None else [line("A")]), **order
        ),
        installed_at=at(installed),
        live=live,
        country_code=country,
        parcels=tuple(parcels or ()),
        newer_orders=tuple(newer or ()),
        answers=tuple(answers or ()),
        issues=tuple(issues or ()),
        acts=tuple(acts or ()),
        left=tuple(left or ()),
        consent=consent,
        suppressed=suppressed,
    )


def steps(**given: StepSettings) -> ShopSettings:
    return ShopSettings(steps=given)


def switched_off(*names: str) -> ShopSettings:
    return ShopSettings(steps={name: StepSettings(enabled=False) for name in names})


def show(message: Planned, told: History) -> str:
    """One line of the plan, without the reason of what is simply planned."""
    words = [message.step]
    if message.step in ("shipped", "delivered") and message.subject != ORDER:
        together = message.step == "shipped" and message.state is not State.CANCELLED
        words.append("+".join(message.parcels) if together else message.subject)
    if message.copy:
        words.append(f"copy {message.copy}")
    if message.key in {(m.step, m.subject, m.copy) for m in told.left}:
        return " ".join([*words, "left"])
    words.append(str(message.state))
    if message.due_at:
        moment = f"{message.due_at.day} {message.due_at:%b %H:%M}"
        words.append(f"~{moment}" if message.estimated else moment)
    text = " ".join(words)
    return text if message.state is State.PLANNED else f"{text}: {message.reason}"


def assert_plan(told: History, expected: str, settings: ShopSettings = SETTINGS) -> None:
    """The plan shows exactly these lines for every step that `expected` speaks of; it need not speak of all steps."""
    wanted = [" ".join(row.split()) for row in expected.strip().splitlines()]
    about = {row.split()[0] for row in wanted}
    assert sorted(show(m, told) for m in plan(settings, told) if m.step in about) == sorted(wanted)
