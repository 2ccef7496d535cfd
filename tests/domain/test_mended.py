"""You told us, we fixed it, in the plan: only where a mending concerns the order, held while a complaint is open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.domain.complaints import mending_of, mending_subject
from plugin.domain.consent import ConsentWords
from plugin.domain.flows import State
from plugin.domain.history import Act, History, LowRating, Mended
from plugin.domain.timeline import Planned, plan, plan_mended
from tests.domain.support import SETTINGS, at, history, issue, words

MENDED = Mended(7, at("20 Nov 10:00"))


def told(base: History, *mendings: Mended, **more: object) -> History:
    return replace(base, mendings=mendings or (MENDED,), **more)  # type: ignore[arg-type]


def mails(given: History) -> list[Planned]:
    return [message for message in plan(SETTINGS, given) if message.step == "you_told_us"]


@pytest.mark.parametrize(("given", "line"), [
    (told(history()), "planned 20 Nov 10:00: due when the shop says that it is mended"),
    (told(history(ended="the order was fully refunded")),
     "planned 20 Nov 10:00: due when the shop says that it is mended"),
    (told(history(), replace(MENDED, undone=True)), "cancelled –: the shop took back that it is mended"),
    (told(history(), low_ratings=(LowRating(at("10 Nov 09:00")),)),
     "held –: the customer was not satisfied, and nobody has settled it yet"),
    (told(history(), low_ratings=(LowRating(at("10 Nov 09:00"), at("24 Nov 12:00")),)),
     "planned 25 Nov 12:00: due a day after the complaint was settled"),
    (told(history(), low_ratings=(LowRating(at("10 Nov 09:00"), at("12 Nov 12:00")),)),
     "planned 20 Nov 10:00: due when the shop says that it is mended"),
    (told(history(issues=[issue("P1", "19 Nov 09:00")])), "held –: the customer says that it has not arrived"),
    (told(history(issues=[issue("P1", "9 Nov 09:00", arrived="12 Nov 09:00")])),
     "planned 20 Nov 10:00: due when the shop says that it is mended"),
    (told(history(consent=words(opted_out="3 Nov 09:00"))), "withheld –: the customer unsubscribed"),
    (told(history(consent=ConsentWords())), "planned 20 Nov 10:00: due when the shop says that it is mended"),
    (told(history(suppressed="dead")), "withheld –: the address is dead"),
    (told(history(erased=True)), "withheld –: the customer's data was erased"),
    (told(history(test=True)), "withheld –: a test order"),
    (told(history(live=False)), "held 20 Nov 10:00: waits for the shop to go live"),
    (told(history(), acts=(Act("cancel", "you_told_us", "m7-order", at("20 Nov 11:00")),)),
     "cancelled –: cancelled by the shop"),
])  # fmt: skip
def test_when_it_goes_and_when_not(given: History, line: str) -> None:
    [message] = mails(given)
    due = f"{message.due_at.day} {message.due_at:%b %H:%M}" if message.due_at else "–"
    assert f"{message.state} {due}: {message.reason}" == line
    if not given.acts:
        assert plan_mended(SETTINGS, given) == (message,)


def test_no_mending_no_message_and_all_else_as_it_was() -> None:
    assert mails(history()) == []
    with_it = told(history(), MENDED, Mended(9, at("21 Nov 10:00")))
    assert [message.subject for message in mails(with_it)] == ["m7-order", "m9-order"]
    rest = [message for message in plan(SETTINGS, with_it) if message.step != "you_told_us"]
    assert rest == list(plan(SETTINGS, history()))
    assert all(message.state is State.PLANNED for message in mails(with_it))


@pytest.mark.parametrize(("subject", "number"), [
    (mending_subject(12, "5123"), 12), (mending_subject(3, "a-b-c"), 3), ("5123", 5123), ("x-1", None), ("", None),
])  # fmt: skip
def test_the_subject_names_the_mending(subject: str, number: int | None) -> None:
    assert mending_of(subject) == number
