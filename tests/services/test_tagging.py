"""Tags on answers: suggested at once, corrected by hand for good, found again in earlier answers, erased with them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import select

from plugin.services import answers, feedback_reply, tagging
from plugin.services.answers import Erased, save_survey
from plugin.services.context import Context
from plugin.services.erase import erase_shop
from plugin.services.feedback_list import Mark, Wanted, find_answers
from plugin.services.feedback_tags import BadTag, add_tag, change_tag, tag_list
from plugin.services.issue_desk import NothingSaid
from plugin.services.letters import send_letters
from plugin.services.shop_work import work_off
from plugin.services.tagging import NoSuchAnswer, NoSuchTag
from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.desk import DeskLetter
from plugin.store.models.feedback import AnswerTag, FeedbackTag
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.world import DOMAIN, World, compliance, customer, order

LATE = "It came two weeks late."


@dataclass
class Desk:
    """A shop with one order, and its customer's answer."""

    world: World

    @property
    def ctx(self) -> Context:
        return self.world.ctx

    @property
    def shop_id(self) -> int:
        return int(self.world.row(Shop, domain=DOMAIN).id)

    def says(self, words: str | None, score: int = 4, number: int = 1001, recommends: int | None = None) -> int:
        """The customer's answer, through the thank-you's token, for want of a survey. Returns the answer's id."""
        placed = self.world.row(Order, platform_id=str(number))
        message = self.world.rows(Message, order_id=placed.id)[0]
        save_survey(self.ctx, message.id, score, recommends, words)
        return int(self.world.row(SurveyAnswer, order_id=placed.id).id)

    def tags(self, answer_id: int) -> dict[str, str]:
        """Name -> by, of what the answer carries."""
        with self.ctx.database.reading() as session:
            return {mark.name_en: mark.by for mark in tagging.marks(session, [answer_id]).get(answer_id, [])}

    def tag(self, key: str) -> int:
        return int(self.world.row(FeedbackTag, key=key, shop_id=self.shop_id).id)

    def correct(self, answer_id: int, key: str, do: str) -> None:
        tagging.correct(self.ctx, self.shop_id, answer_id, self.tag(key), do, "the owner")


@pytest.fixture
def desk(context: Context) -> Desk:
    world = World(context)
    world.hook("orders/create", order(world.now))
    return Desk(world)


def test_words_suggest_tags_at_once_and_follow_when_they_are_edited(desk: Desk) -> None:
    answer = desk.says(f"{LATE} The cup was broken.")
    assert desk.tags(answer) == {"Late delivery": "suggested", "Damaged": "suggested"}
    assert desk.says("The cup was broken.") == answer
    assert desk.tags(answer) == {"Damaged": "suggested"}
    desk.says("")
    assert desk.tags(answer) == {}


def test_what_a_hand_did_no_suggestion_undoes(desk: Desk) -> None:
    answer = desk.says(LATE)
    desk.correct(answer, "late_delivery", "remove")
    desk.correct(answer, "price", "add")
    assert desk.tags(answer) == {"Price": "hand"}
    desk.says(f"{LATE} Really late!")
    assert desk.tags(answer) == {"Price": "hand"}
    desk.correct(answer, "late_delivery", "add")
    desk.says("It was blue.")
    assert desk.tags(answer) == {"Price": "hand", "Late delivery": "hand"}
    changes = [(line.what, line.after) for line in desk.world.rows(Change) if line.what == "feedback.tag"]
    assert changes[0] == ("feedback.tag", {"answer": answer, "tag": "late_delivery", "mark": "removed"})


def test_confirming_keeps_a_suggestion_whose_words_go(desk: Desk) -> None:
    answer = desk.says(LATE)
    desk.correct(answer, "late_delivery", "confirm")
    desk.correct(answer, "price", "confirm")  # nothing to confirm
    desk.says("Thank you")
    assert desk.tags(answer) == {"Late delivery": "hand", "Praise": "suggested"}


def test_another_shops_answers_and_tags_do_not_exist(desk: Desk) -> None:
    answer = desk.says(LATE)
    desk.world.add_shop("birch.myshopify.com")
    other = next(shop.id for shop in desk.world.rows(Shop) if shop.domain != DOMAIN)
    with pytest.raises(NoSuchAnswer):
        tagging.correct(desk.ctx, other, answer, desk.tag("price"), "add", "a stranger")
    with desk.ctx.database.transaction() as session:
        strange = tagging.make_tags(session, other)[0].id
    with pytest.raises(NoSuchTag):
        tagging.correct(desk.ctx, desk.shop_id, answer, strange, "add", "the owner")
    with pytest.raises(ValueError, match="burn"):
        tagging.correct(desk.ctx, desk.shop_id, answer, desk.tag("price"), "burn", "the owner")
    with desk.ctx.database.reading() as session:
        assert find_answers(session, other, Wanted()).answers == ()
        assert find_answers(session, other, Wanted(tag_id=desk.tag("late_delivery"))).answers == ()


def test_a_tag_of_the_shops_own_is_found_in_earlier_answers_and_lost_with_its_word(desk: Desk) -> None:
    answer = desk.says("The paper straws melt")
    tag = add_tag(desk.ctx, desk.shop_id, "Straws", "", ["straw"], "the owner")
    assert desk.tags(answer) == {}
    while work_off(desk.ctx):
        pass
    assert desk.tags(answer) == {"Straws": "suggested"}
    change_tag(desk.ctx, desk.shop_id, tag, "Straws", "빨대", ["spoon"], False, "the owner")
    while work_off(desk.ctx):
        pass
    assert desk.tags(answer) == {}
    with desk.ctx.database.transaction() as session:
        line = next(line for line in tag_list(session, desk.shop_id) if line.id == tag)
    assert (line.name_ko, line.words, line.answers) == ("빨대", ("spoon",), 0)


def test_a_retired_tag_is_suggested_no_more_and_kept_where_it_is(desk: Desk) -> None:
    answer = desk.says(LATE)
    change_tag(desk.ctx, desk.shop_id, desk.tag("late_delivery"), "Late", "늦음", [], True, "the owner")
    desk.says(f"{LATE} Indeed.")
    assert desk.tags(answer) == {"Late": "suggested"}
    desk.world.hook("orders/create", order(desk.world.now, 1002, customer=customer(502)))
    assert desk.tags(desk.says(LATE, number=1002)) == {}


@pytest.mark.parametrize("name", ["", "   ", "Price", "가격", "x" * 61])
def test_a_name_must_be_there_fit_and_be_free(desk: Desk, name: str) -> None:
    with pytest.raises(BadTag):
        add_tag(desk.ctx, desk.shop_id, name, "", [], "the owner")


def test_answers_from_before_there_were_tags_are_read_too(desk: Desk) -> None:
    desk.world.hook("orders/create", order(desk.world.now, 1002, customer=customer(502)))
    earlier = desk.world.row(Order, platform_id="1002")
    with desk.ctx.database.transaction() as session:
        session.add(SurveyAnswer(shop_id=desk.shop_id, order_id=earlier.id, satisfaction=2, words=LATE,
                                 started_at=desk.world.now))  # fmt: skip
    desk.says("Too expensive.")
    while work_off(desk.ctx):
        pass
    old = desk.world.row(SurveyAnswer, order_id=earlier.id)
    assert desk.tags(old.id) == {"Late delivery": "suggested"}


def test_the_list_filters_and_goes_on_page_by_page(desk: Desk) -> None:
    low = desk.says(LATE, score=1)
    desk.world.hook("orders/create", order(desk.world.now, 1002, customer=customer(502)))
    desk.world.later(hours=1)
    high = desk.says(None, score=5, number=1002)

    def found(**wanted: object) -> list[int]:
        with desk.ctx.database.reading() as session:
            return [line.id for line in find_answers(session, desk.shop_id, Wanted(**wanted)).answers]  # type: ignore[arg-type]

    assert found() == [high, low]
    assert found(band="low") == [low]
    assert found(band="high", worded=True) == []
    assert found(worded=True) == [low]
    assert found(tag_id=desk.tag("late_delivery")) == [low]
    assert found(tag_id=desk.tag("late_delivery"), band="high") == []
    assert found(product_id="7001") == [high, low]
    assert found(product_id="none") == []
    assert found(since=desk.world.now) == [high]
    with desk.ctx.database.reading() as session:
        first = find_answers(session, desk.shop_id, Wanted(), limit=1)
        assert first.more == Mark(first.answers[0].answered_at, high)
        second = find_answers(session, desk.shop_id, Wanted(), first.more, limit=1)
    assert ([line.id for line in second.answers], second.more) == ([low], None)
    assert second.answers[0].issue_open
    assert not first.answers[0].issue_open


def test_a_reply_to_an_answer_without_an_issue_leaves_once_and_pauses_nothing(desk: Desk) -> None:
    answer = desk.says("Lovely tea", score=5)
    plan = desk.world.plan()
    assert feedback_reply.reply_to_answer(desk.ctx, desk.shop_id, answer, "Thank you!", "Mina", 0)
    assert not feedback_reply.reply_to_answer(desk.ctx, desk.shop_id, answer, "Thank you!", "Mina", 0)
    assert desk.world.plan() == plan
    send_letters(desk.ctx, desk.world.sink)
    send_letters(desk.ctx, desk.world.sink)
    [mail] = desk.world.sink.parsed()
    assert (mail["Subject"], mail["To"]) == ("Re: Your answer about order #1001", "jane.doe@example.com")
    issue = desk.world.row(Issue)
    assert (issue.kind, issue.outcome, issue.tell_at) == ("feedback", "settled", None)
    assert feedback_reply.reply_to_answer(desk.ctx, desk.shop_id, answer, "One more thing", "Mina", 1)
    assert desk.world.row(Issue).id == issue.id
    send_letters(desk.ctx, desk.world.sink)
    assert desk.world.sink.parsed()[1]["In-Reply-To"] == mail["Message-ID"]


def test_a_reply_to_a_low_rating_is_the_issues(desk: Desk) -> None:
    answer = desk.says("Awful", score=1)
    issue = desk.world.row(Issue, kind="low_rating")
    assert feedback_reply.reply_to_answer(desk.ctx, desk.shop_id, answer, "We are sorry", "Mina", 0)
    assert desk.world.row(DeskLetter, kind="reply").issue_id == issue.id
    assert desk.world.row(Issue).first_replied_at == desk.world.now
    with pytest.raises(NothingSaid):
        feedback_reply.reply_to_answer(desk.ctx, desk.shop_id, answer, "  ", "Mina", 1)


def test_erasing_the_customer_takes_the_tags_and_the_letter(desk: Desk) -> None:
    answer = desk.says(LATE)
    feedback_reply.reply_to_answer(desk.ctx, desk.shop_id, answer, "Sorry", "Mina", 0)
    desk.world.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    assert desk.world.rows(AnswerTag) == []
    assert desk.world.row(DeskLetter).words is None
    send_letters(desk.ctx, desk.world.sink)
    assert desk.world.sink.mails == []
    with pytest.raises(Erased):
        feedback_reply.reply_to_answer(desk.ctx, desk.shop_id, answer, "Sorry", "Mina", 1)
    with pytest.raises(NoSuchAnswer):
        desk.correct(answer, "price", "add")


def test_erasing_the_shop_takes_its_tags(desk: Desk) -> None:
    desk.says(LATE)
    with desk.ctx.database.transaction() as session:
        erase_shop(session, desk.ctx, session.scalars(select(Shop)).one())
    assert desk.world.rows(FeedbackTag) == []
    assert desk.world.rows(AnswerTag) == []


def test_words_beyond_all_measure_are_cut_and_read(desk: Desk) -> None:
    answer = desk.says("<script>late</script> " + "x" * 1_000_000)
    assert len(desk.world.row(SurveyAnswer, id=answer).words) <= answers.KEPT_WORDS
    assert desk.tags(answer) == {"Late delivery": "suggested"}
