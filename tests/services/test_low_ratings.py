"""A customer who was not satisfied: an issue opens, selling stops, letters go, and closing starts it again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from plugin.channels.email.errors import OutcomeUnknown, Retryable
from plugin.services import answers, issue_desk
from plugin.services.answers import Erased
from plugin.services.desk_hours import BadHours, save_hours
from plugin.services.erase import erase_shop
from plugin.services.issue_desk import NothingSaid
from plugin.services.issue_view import failed_messages, issue_view, list_issues
from plugin.services.issues import NoSuchIssue, anything_untold, tell_shops
from plugin.services.letters import send_letters
from plugin.store.models.customers import Issue
from plugin.store.models.desk import DeskHours, DeskLetter
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.world import World, body, compliance, consent, order, whole_life

ADA = "ada@haneul.example"


@pytest.fixture
def tea(both: World) -> World:
    """Delivered, the survey sent, the cross-sell to come."""
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    for _ in whole_life(both):
        pass
    both.configure(steps={"survey": {"delay_minutes": 0}})
    both.send()
    assert both.sink.steps()[-1] == "survey"
    return both


def shop_id(world: World) -> int:
    return int(world.row(Shop).id)


def rate(world: World, satisfaction: int, recommendation: int | None = None, words: str | None = None) -> None:
    answers.save_survey(world.ctx, world.message("survey").id, satisfaction, recommendation, words)


def post(world: World) -> list[str]:
    """Send what the desk has to say: the subjects of the mails."""
    before = len(world.sink.mails)
    send_letters(world.ctx, world.sink)
    return [str(mail["Subject"]) for mail in world.sink.parsed()[before:]]


def open_one(world: World) -> Issue:
    rate(world, 1, 2, "The cup came broken")
    world.later(minutes=5)
    post(world)
    issue: Issue = world.row(Issue)
    return issue


def test_a_low_rating_opens_an_issue_and_stops_selling(tea: World) -> None:
    rate(tea, 2, words="Stale")
    issue = tea.row(Issue)
    assert (issue.kind, issue.words, issue.closed_at) == ("low_rating", "Stale", None)
    assert issue.reply_by == tea.now.replace(hour=10, minute=10)  # the desk opens at ten, as far as anyone knows
    assert tea.message("cross_sell").state == "held"
    tea.walk(days=10)
    assert "cross_sell" not in tea.sink.steps()


def test_it_is_opened_once_and_taken_back_with_the_rating(tea: World) -> None:
    rate(tea, 1)
    rate(tea, 2)
    assert len(tea.rows(Issue)) == 1
    rate(tea, 5, 9)
    assert tea.row(Issue).outcome == "withdrawn"
    assert tea.message("cross_sell").state == "planned"
    tea.later(minutes=10)
    assert post(tea) == []  # nobody is thanked for a slip of the finger


@pytest.mark.parametrize("satisfaction", [3, 4, 5])
def test_other_ratings_open_nothing(tea: World, satisfaction: int) -> None:
    rate(tea, satisfaction, 7)
    assert tea.rows(Issue) == []


def test_another_order_of_the_customer_pauses_too(tea: World) -> None:
    rate(tea, 1, 0)
    tea.hook("orders/create", order(tea.now, 1002))
    assert tea.message("cross_sell", subject="1002").state == "held"
    assert tea.message("survey", subject="1002").state == "waiting"  # it is not sold anything by being asked
    issue_desk.close(tea.ctx, shop_id(tea), tea.row(Issue).id, "settled", ADA)
    assert tea.message("cross_sell", subject="1002").state == "waiting"


def test_the_customer_is_told_once_when_to_expect_an_answer(tea: World) -> None:
    rate(tea, 1, 0, "The cup came broken")
    assert post(tea) == []  # three minutes for second thoughts
    assert not anything_untold(tea.ctx) or tell_shops(tea.ctx, tea.sink) == 1
    tea.later(minutes=4)
    assert anything_untold(tea.ctx)
    assert post(tea) == ["Thank you for telling us: order #1001"]
    assert post(tea) == []
    mail = tea.sink.parsed()[-1]
    assert "You will hear from us by Thu 5 November at the latest." in body(mail)
    assert mail["Reply-To"] == "help@haneul.example"
    assert mail["Feedback-ID"].startswith("acknowledgement:service_desk:transactional:")


def test_with_told_hours_the_promise_is_to_the_minute(tea: World) -> None:
    with tea.ctx.database.transaction() as session:
        save_hours(session, tea.ctx, shop_id(tea), {"fri": [("10:00", "12:00")]}, "Asia/Seoul", 30, ADA)
    open_one(tea)
    assert "You will hear from us by Fri 6 November 02:30 (Berlin time)." in body(tea.sink.parsed()[-1])
    [change] = tea.rows(Change, what="desk.hours")
    assert change.after == {"zone": "Asia/Seoul", "days": {"fri": [["10:00", "12:00"]]}, "goal_minutes": 30}


@pytest.mark.parametrize(("day", "spans", "zone", "goal", "field"), [
    ("mon", [("12:00", "10:00")], "UTC", 10, "mon"),
    ("tue", [("10:00", "13:00"), ("12:00", "15:00")], "UTC", 10, "tue"),
    ("wed", [("ten", "18:00")], "UTC", 10, "wed"), ("mon", [], "Mars/Base", 10, "zone"),
    ("mon", [], "UTC", 0, "goal_minutes"), ("mon", [("10:00", "10:00")], "UTC", 10, "mon"),
])  # fmt: skip
def test_hours_that_are_none(
    world: World, day: str, spans: list[tuple[str, str]], zone: str, goal: int, field: str
) -> None:
    with world.ctx.database.transaction() as session, pytest.raises(BadHours) as wrong:
        save_hours(session, world.ctx, shop_id(world), {day: spans}, zone, goal, ADA)
    assert wrong.value.field == field


def test_an_answer_stops_the_clock_and_goes_once_in_the_same_thread(tea: World) -> None:
    issue = open_one(tea)
    assert issue_desk.reply(tea.ctx, shop_id(tea), issue.id, "So sorry!\n\nA new cup is on its way.", ADA, 0)
    assert not issue_desk.reply(tea.ctx, shop_id(tea), issue.id, "So sorry!\n\nA new cup is on its way.", ADA, 0)
    assert post(tea) == ["Re: Thank you for telling us: order #1001"]
    first, second = tea.sink.parsed()[-2:]
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert body(second).splitlines()[:3] == ["So sorry!", "", "A new cup is on its way."]
    issue = tea.row(Issue)
    assert (issue.first_replied_at, issue.owner) == (tea.now, ADA)
    assert tea.row(DeskLetter, kind="reply").author == ADA
    with pytest.raises(NothingSaid):
        issue_desk.reply(tea.ctx, shop_id(tea), issue.id, "  \n ", ADA, 1)


def test_closing_asks_and_resumes_and_a_no_pauses_again(tea: World) -> None:
    issue = open_one(tea)
    tea.later(days=6)
    assert issue_desk.close(tea.ctx, shop_id(tea), issue.id, "settled", ADA)
    assert not issue_desk.close(tea.ctx, shop_id(tea), issue.id, "settled", ADA)
    assert tea.message("cross_sell").due_at == tea.now + timedelta(days=1)
    assert post(tea) == ["Is it settled? Order #1001"]
    assert "/d/issue/" in body(tea.sink.parsed()[-1])
    issue_desk.say_solved(tea.ctx, issue.id, 1, False)
    issue_desk.say_solved(tea.ctx, issue.id, 1, False)
    issue = tea.row(Issue)
    assert (issue.closed_at, issue.solved, issue.reopened_at, issue.first_replied_at) == (None, "no", tea.now, None)
    assert issue.tell_at
    assert tea.message("cross_sell").state == "held"
    tea.later(hours=1)
    issue_desk.close(tea.ctx, shop_id(tea), issue.id, "settled", ADA)
    assert post(tea) == ["Is it settled? Order #1001"]
    issue_desk.say_solved(tea.ctx, issue.id, 1, False)  # the old question's link
    assert tea.row(Issue).closed_at
    issue_desk.say_solved(tea.ctx, issue.id, 2, True)
    assert tea.row(Issue).solved == "yes"
    tea.walk(days=2)
    assert "cross_sell" in tea.sink.steps()


def test_a_letter_whose_sender_died_goes_once_more_with_the_same_id(tea: World) -> None:
    rate(tea, 1, 0)
    tea.later(minutes=4)
    tea.sink.trouble = [OutcomeUnknown("no answer")]
    assert post(tea) == []
    tea.later(minutes=2)
    assert len(post(tea)) == 1
    tea.later(days=1)
    assert post(tea) == []


def test_a_worker_that_died_while_sending_leaves_the_letter_to_the_next(tea: World) -> None:
    """It may have left or not: it goes once more, under the name it had."""
    rate(tea, 1, 0)
    tea.later(minutes=4)

    def die() -> None:
        raise KeyboardInterrupt

    tea.sink.before = die
    with pytest.raises(KeyboardInterrupt):
        post(tea)
    tea.sink.before = None
    assert tea.row(DeskLetter).state == "sending"
    assert post(tea) == []  # its lease still runs
    with tea.ctx.database.transaction() as session:
        session.get_one(DeskLetter, tea.row(DeskLetter).id).lease_until = tea.now - timedelta(days=400)
    assert anything_untold(tea.ctx)
    assert post(tea) == []
    tea.later(minutes=2)
    assert len(post(tea)) == 1
    assert (tea.row(DeskLetter).state, tea.row(DeskLetter).attempts) == ("sent", 2)


def test_a_shop_that_is_not_live_writes_later_and_one_that_left_never(tea: World) -> None:
    rate(tea, 1, 0)
    tea.later(minutes=4)
    with tea.ctx.database.transaction() as session:
        session.get_one(Shop, shop_id(tea)).live = False
    assert post(tea) == []
    assert tea.row(DeskLetter).reason == "waits for the shop to go live"
    with tea.ctx.database.transaction() as session:
        session.get_one(Shop, shop_id(tea)).uninstalled_at = tea.now
    tea.later(hours=2)
    assert post(tea) == []
    assert tea.row(DeskLetter).state == "cancelled"


def test_in_korean(tea: World) -> None:
    with tea.ctx.database.transaction() as session:
        session.get_one(Order, tea.row(Order).id).locale = "ko-KR"
    issue = open_one(tea)
    issue_desk.close(tea.ctx, shop_id(tea), issue.id, "settled", ADA)
    assert post(tea) == ["잘 해결되었나요? 주문 #1001"]
    first, second = tea.sink.parsed()[-2:]
    assert first["Subject"] == "솔직한 의견 감사합니다: 주문 #1001"
    assert "늦어도 11월 5일(목)까지 답변드리겠습니다." in body(first)
    assert "네, 해결되었어요" in body(second, "html")


def test_a_channel_that_is_down_costs_no_letter(tea: World) -> None:
    rate(tea, 1, 0)
    tea.later(minutes=4)
    tea.sink.trouble = [Retryable("busy", channel_down=True)]
    assert post(tea) == []
    assert (tea.row(DeskLetter).state, tea.row(DeskLetter).attempts) == ("planned", 0)
    tea.later(minutes=2)
    assert len(post(tea)) == 1


def test_nothing_is_written_to_whom_it_must_not(tea: World) -> None:
    rate(tea, 1, 0)
    tea.later(minutes=4)
    tea.hook("customers/redact", compliance(tea.domain, orders_to_redact=[1001]))
    assert post(tea) == []
    assert tea.row(DeskLetter).reason == "the customer's data was erased"
    with pytest.raises(Erased):
        issue_desk.reply(tea.ctx, shop_id(tea), tea.row(Issue).id, "Hello?", ADA, 0)


def test_an_erased_shop_leaves_no_letter_and_no_hours(tea: World) -> None:
    open_one(tea)
    with tea.ctx.database.transaction() as session:
        save_hours(session, tea.ctx, shop_id(tea), {"fri": [("10:00", "12:00")]}, "Asia/Seoul", 30, ADA)
    with tea.ctx.database.transaction() as session:
        erase_shop(session, tea.ctx, session.get_one(Shop, shop_id(tea)))
    assert tea.rows(DeskLetter) == tea.rows(Issue) == []
    with tea.ctx.database.reading() as session:
        assert session.scalars(select(DeskHours)).all() == []


def test_the_list_and_the_issue(tea: World) -> None:
    issue = open_one(tea)
    issue_desk.take(tea.ctx, shop_id(tea), issue.id, "Ada", ADA)
    with tea.ctx.database.reading() as session:
        [line] = list_issues(session, tea.ctx, shop_id(tea)).issues
        view = issue_view(session, tea.ctx, shop_id(tea), issue.id)
        assert list_issues(session, tea.ctx, shop_id(tea), closed=True).issues == ()
    assert (line.kind, line.customer, line.owner) == ("low_rating", "Jane Doe", "Ada")
    assert line.words == "The cup came broken"
    assert line.left is not None
    assert (view.satisfaction, view.recommendation, view.outcomes, view.owners) == (1, 2, ("settled",), ("Ada",))
    assert [letter.kind for letter in view.letters] == ["acknowledgement"]


def test_a_failed_message_is_listed_until_it_is_settled(tea: World) -> None:
    with tea.ctx.database.transaction() as session:
        message = session.get_one(Message, tea.message("thank_you").id)
        message.state, message.reason, message.sent_at = "failed", "refused", None
    listed = failed(tea)
    assert [(line.step, id_) for line, id_ in listed] == [("thank_you", None)]
    issue_id = issue_desk.adopt(tea.ctx, shop_id(tea), listed[0][0].id, ADA)
    assert issue_desk.adopt(tea.ctx, shop_id(tea), listed[0][0].id, "bob") == issue_id
    assert [id_ for _, id_ in failed(tea)] == [issue_id]
    assert tea.message("cross_sell").state == "planned"
    issue_desk.close(tea.ctx, shop_id(tea), issue_id, "settled", ADA)
    assert failed(tea) == []
    assert post(tea) == []


def failed(world: World) -> list[tuple[object, int | None]]:
    with world.ctx.database.reading() as session:
        return list(failed_messages(session, shop_id(world))[0])


def test_another_shop_reaches_none_of_it(tea: World) -> None:
    issue = open_one(tea)
    tea.add_shop("other.myshopify.com")
    other = int(tea.row(Shop, domain="other.myshopify.com").id)
    ctx = tea.ctx
    with ctx.database.reading() as session:
        assert list_issues(session, ctx, other).issues == ()
        with pytest.raises(NoSuchIssue):
            issue_view(session, ctx, other, issue.id)
    for verb in (
        lambda: issue_desk.take(ctx, other, issue.id, "Eve", "eve"),
        lambda: issue_desk.reply(ctx, other, issue.id, "Hi", "eve", 0),
        lambda: issue_desk.answered(ctx, other, issue.id, "eve"),
        lambda: issue_desk.close(ctx, other, issue.id, "settled", "eve"),
    ):
        with pytest.raises(NoSuchIssue):
            verb()
    with pytest.raises(LookupError):
        issue_desk.adopt(ctx, other, tea.message("survey").id, "eve")
