"""An order's line of time: everything that happened, what is to come, and what will never leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from plugin.domain.flows import State
from plugin.services.histories import NOT_SHIPPED
from plugin.services.message_cards import MessageCard
from plugin.services.order_view import OrderFacts
from plugin.store.models.customers import Issue
from plugin.store.models.desk import DeskLetter
from plugin.store.models.orders import Parcel

_NEVER = frozenset({State.CANCELLED, State.WITHHELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One point. `kind` names its words, `values` go into them. `at` None: nobody knows when.

    `quote`: in somebody's own words. `message`, `letter`, `issue_id`: what it is about, where it is about one.
    """

    kind: str
    at: datetime | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    quote: str | None = None
    message: MessageCard | None = None
    letter: DeskLetter | None = None
    issue_id: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """`past` and `coming` in the order of time, what has no time last; `never`: cancelled and withheld."""

    past: tuple[Entry, ...]
    coming: tuple[Entry, ...]
    never: tuple[Entry, ...]


def story(facts: OrderFacts, messages: tuple[MessageCard, ...], now: datetime) -> Story:
    """All of it, `now` dividing what happened from what is to come."""
    entries = [
        *_order(facts), *_parcels(facts), *_customer(facts), *_issues(facts), *_acts(facts),
        *(_letter(letter) for letter in facts.letters), *(_message(message) for message in messages),
    ]  # fmt: skip
    never = [e for e in entries if e.message and e.message.state in _NEVER]
    rest = [e for e in entries if e not in never]
    past = [e for e in rest if e.at and e.at <= now and not _is_coming(e)]
    coming = [e for e in rest if e not in past]
    return Story(tuple(sorted(past, key=_by_time)), tuple(sorted(coming, key=_by_time)), tuple(never))


def _by_time(entry: Entry) -> tuple[bool, datetime | int]:
    return (True, 0) if entry.at is None else (False, entry.at)


def _is_coming(entry: Entry) -> bool:
    if entry.message:
        return entry.message.state not in (State.SENT, State.FAILED)
    return entry.letter is not None and entry.letter.state in ("planned", "sending")


def _order(facts: OrderFacts) -> Iterator[Entry]:
    order = facts.order
    yield Entry(kind="placed", at=order.placed_at)
    if order.cancelled_at:
        yield Entry(kind="cancelled", at=order.cancelled_at)
    if order.deleted_at:
        yield Entry(kind="deleted", at=order.deleted_at)
    if order.redacted_at:
        yield Entry(kind="erased", at=order.redacted_at)
    titles = {line["line_id"]: str(line["title"]) for line in order.lines}
    for told, pairs in order.refunds.values():
        yield Entry(kind="refunded", at=datetime.fromisoformat(told), values={"what": _what(titles, pairs)})
    for told, added, removed in order.edits.values():
        what = _what(titles, [*added, *removed])
        yield Entry(kind="edited", at=datetime.fromisoformat(told), values={"what": what})


def _what(titles: dict[str, str], pairs: list[list[object]]) -> str:
    return ", ".join(f"{quantity} × {titles[str(line)]}" for line, quantity in pairs if str(line) in titles)


def _parcels(facts: OrderFacts) -> Iterator[Entry]:
    for parcel in facts.parcels:
        about = {"parcel": parcel.name or parcel.platform_id}
        if parcel.status in NOT_SHIPPED:
            yield Entry(kind="called_off", at=parcel.shipped_at, values=about)
            continue
        yield Entry(kind="shipped", at=parcel.shipped_at, values={**about, "carrier": parcel.carrier or ""})
        yield from _words(parcel, about)


def _words(parcel: Parcel, about: Mapping[str, object]) -> Iterator[Entry]:
    told = False
    for status, at in parcel.words.values():
        told = told or status == "delivered"
        yield Entry(kind=f"carrier.{status}", at=datetime.fromisoformat(at), values=about)
    if parcel.delivered_at and not told:
        yield Entry(kind="carrier.delivered", at=parcel.delivered_at, values=about)
    if parcel.delivered_at is None and parcel.estimated_at:
        yield Entry(kind="expected", at=parcel.estimated_at, values=about)


def _customer(facts: OrderFacts) -> Iterator[Entry]:
    names = {parcel.platform_id: parcel.name or parcel.platform_id for parcel in facts.parcels}
    for answer in facts.answers:
        about = {"parcel": names.get(answer.parcel_id, facts.order.name or "")}
        yield Entry(kind=f"said_{answer.answer}", at=answer.at, values=about)
    survey = facts.survey
    if survey and survey.satisfaction is None:  # the merchant's own questions ask for none
        yield Entry(kind="said_survey", at=survey.completed_at or survey.started_at, quote=survey.words)
    elif survey:
        values: dict[str, object] = {"satisfaction": survey.satisfaction}
        if survey.recommendation is not None:
            values["recommendation"] = survey.recommendation
        kind = "rated_fully" if survey.recommendation is not None else "rated"
        yield Entry(kind=kind, at=survey.completed_at or survey.started_at, values=values, quote=survey.words)
    if facts.consent and facts.order.placed_at:
        for kind, at in (("subscribed", facts.consent.subscribed_at), ("opted_out", facts.consent.opted_out_at)):
            if at and at >= facts.order.placed_at:
                yield Entry(kind=kind, at=at)


def _issues(facts: OrderFacts) -> Iterator[Entry]:
    for issue in facts.issues:
        rated = facts.survey and issue.words == facts.survey.words  # then the survey's entry quotes it
        yield Entry(kind=f"issue.{issue.kind}", at=issue.opened_at, quote=None if rated else issue.words,
                    issue_id=issue.id)  # fmt: skip
        yield from _course(issue)


def _course(issue: Issue) -> Iterator[Entry]:
    if issue.solved and issue.solved_at:
        yield Entry(kind=f"solved_{issue.solved}", at=issue.solved_at, issue_id=issue.id)
    if issue.first_replied_at:
        who: dict[str, object] = {"owner": issue.owner or ""}
        yield Entry(kind="said_survey", at=issue.first_replied_at, values=who, issue_id=issue.id)
    if issue.closed_at:
        yield Entry(kind=f"closed.{issue.outcome}", at=issue.closed_at, issue_id=issue.id)


def _acts(facts: OrderFacts) -> Iterator[Entry]:
    for act in facts.acts:
        yield Entry(kind=f"act.{act.kind}", at=act.at, values={"step": act.step})


def _letter(letter: DeskLetter) -> Entry:
    at = letter.sent_at or letter.ready_at
    return Entry(kind=f"letter.{letter.kind}", at=at, quote=letter.words, letter=letter, issue_id=letter.issue_id)


def _message(message: MessageCard) -> Entry:
    return Entry(kind="message", at=message.sent_at or message.due_at, values={"step": message.step}, message=message)
