"""What one customer would get, by the cap and the quiet hours, and the sums over many."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from plugin.domain.rehearsal import MONTH, WEEK, WHY, Mail, Sent, Tally, leave, most_within, why
from schemas.settings import Cap, QuietHours, ShopSettings

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
ORDER = (1, "#1001")


def mail(step: str, days: float, order: tuple[int, str] = ORDER) -> Mail:
    return Mail(step, START + timedelta(days=days), order)


def nothing(_: Sent) -> Mail | None:
    return None


def days(sent: list[Sent]) -> list[tuple[str, float]]:
    return [(one.mail.step, (one.at - START) / timedelta(days=1)) for one in sent]


def test_everything_leaves_when_it_is_due_without_cap_and_quiet_hours() -> None:
    mails = [mail("survey", 6), mail("thank_you", 0), mail("cross_sell", 6)]
    sent, dropped = leave(mails, ShopSettings(), SEOUL, nothing, capped=True)
    assert days(sent) == [("thank_you", 0), ("survey", 6), ("cross_sell", 6)]
    assert dropped == []


def test_the_cap_defers_and_drops_what_would_be_too_late() -> None:
    settings = ShopSettings(cap=Cap(messages=1, days=20))
    sent, dropped = leave([mail("survey", 6), mail("cross_sell", 7)], settings, SEOUL, nothing, capped=True)
    assert days(sent) == [("survey", 6)]
    assert [m.step for m in dropped] == ["cross_sell"]
    sent, dropped = leave([mail("survey", 6), mail("cross_sell", 7)], settings, SEOUL, nothing, capped=False)
    assert len(sent) == 2
    later = ShopSettings(cap=Cap(messages=1, days=10))
    assert days(leave([mail("survey", 6), mail("cross_sell", 7)], later, SEOUL, nothing, capped=True)[0]) == [
        ("survey", 6), ("cross_sell", 16),
    ]  # fmt: skip


def test_quiet_hours_are_the_customers() -> None:
    settings = ShopSettings(quiet_hours=QuietHours(start=time(17), end=time(9)))
    sent, _ = leave([mail("thank_you", 0), mail("survey", 4)], settings, SEOUL, nothing, capped=True)
    assert days(sent) == [("thank_you", 0), ("survey", 4 + 15 / 24)]  # 18:00 in Seoul waits for 09:00


def test_what_follows_is_planned_from_the_leaving() -> None:
    def follow(sent: Sent) -> Mail | None:
        after = Mail("cross_sell_follow_up", sent.at + timedelta(days=3), ORDER)
        return after if sent.mail.step == "cross_sell" else None

    settings = ShopSettings(cap=Cap(messages=1, days=2))
    sent, _ = leave([mail("survey", 6), mail("cross_sell", 7)], settings, SEOUL, follow, capped=True)
    assert days(sent) == [("survey", 6), ("cross_sell", 8), ("cross_sell_follow_up", 11)]


@pytest.mark.parametrize(
    ("moments", "in_7", "in_30"),
    [([], 0, 0), ([0], 1, 1), ([0, 6.9], 2, 2), ([0, 7], 1, 2), ([0, 1, 8, 9, 10, 29], 3, 6), ([0, 30, 31, 60], 2, 2)],
)
def test_the_most_in_any_span(moments: list[float], in_7: int, in_30: int) -> None:
    at = [START + timedelta(days=number) for number in moments]
    assert (most_within(at, WEEK), most_within(at, MONTH)) == (in_7, in_30)


def tally(order: tuple[int, str] = ORDER) -> Tally:
    made = Tally(orders=1)
    mails = (mail("thank_you", 0, order), mail("shipped", 0.2, order))
    sent = [Sent(one.due_at, one) for one in mails]
    made.person(sent, SEOUL, SEOUL)
    made.leave_out(order, [("survey", "waits"), ("cross_sell", "no_consent"), ("cross_sell_follow_up", "no_consent")])
    return made


def test_a_tally_counts_days_collisions_and_who_is_left_out() -> None:
    made = tally()
    assert {(step, str(day)): n for (step, day), n in made.messages.items()} == {
        ("thank_you", "2026-11-02"): 1, ("shipped", "2026-11-02"): 1,
    }  # fmt: skip
    assert made.collisions == {"thank_you+shipped": 1}
    assert made.collision_samples == [(1, "#1001", "2026-11-02", "thank_you+shipped")]
    assert made.most_in_7 == made.most_in_30 == (2, 1, "#1001")
    assert made.orders_left_out == {"waits": 1, "no_consent": 1}
    assert made.left_out["cross_sell", "no_consent"] == 1
    silent = Tally()
    silent.person([], SEOUL, SEOUL)
    assert (silent.silent, silent.spread) == (1, {0: 1})


def test_tallies_add_up_and_survive_being_carried_about() -> None:
    both = tally()
    both.add(tally((2, "#1002")))
    assert (both.orders, both.people, both.sent) == (2, 2, 4)
    assert both.spread == {2: 2}
    assert both.left_out_samples["no_consent"] == [(1, "#1001"), (2, "#1002")]
    assert Tally.load(json.loads(json.dumps(both.dump()))) == both
    for broken in ({}, {**both.dump(), "n": [1]}, {**both.dump(), "messages": [["survey", "never", 1]]}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Tally.load(broken)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("no consent to marketing", "no_consent"), ("the customer unsubscribed", "unsubscribed"),
        ("a digital order: nothing is shipped", "not_shipped"), ("handed over in the shop", "not_shipped"),
        ("the order was cancelled", "ended"), ("the payment was voided", "ended"), ("told with #1.1", "joined"),
        ("the customer's data was erased", "erased"), ("waits for shipping", "waits"),
        ("the customer bought again: #1002", "bought_again"), ("a test order", "test"),
    ],
)  # fmt: skip
def test_reasons_have_one_code_each(reason: str, code: str) -> None:
    assert why(reason) == code
    assert code in WHY
