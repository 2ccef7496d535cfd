"""Reviews: with the customer's leave and the shop's approval a good answer is shown to others, and else never."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.services import answers, reviews
from plugin.services.erase import erase_shop
from plugin.services.exports import export
from plugin.services.review_leave import give_leave, withdraw_leave
from plugin.services.reviews import (
    BadProducts,
    NoSuchReview,
    OtherWords,
    decide,
    list_reviews,
    shown_reviews,
    version_of,
)
from plugin.services.survey_view import survey_duration
from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.merchants import Change
from plugin.store.models.reviews import Review, ReviewShown
from plugin.store.models.shops import Shop
from tests.services.test_queries import plans, scans
from tests.services.world import (
    DOMAIN,
    World,
    compliance,
    consent,
    customer,
    order,
    product,
    whole_life,
)

WORDS = "Lovely <b>tea</b>, see https://spam.example/x"
ADA = "ada@haneul.example"


@pytest.fixture
def tea(both: World) -> World:
    """Jane's order 1001 of product 7001 is delivered and its survey sent."""
    return asked(both)


def asked(world: World) -> World:
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    for _ in whole_life(world):
        pass
    world.configure(steps={"survey": {"delay_minutes": 0}})
    world.send()
    return world


def shop_id(world: World) -> int:
    return int(world.row(Shop, domain=DOMAIN).id)


def answer(world: World, satisfaction: int = 5, words: str = WORDS) -> None:
    answers.save_survey(world.ctx, world.message("survey", subject="1001").id, satisfaction, 9, words)


def agree(world: World) -> None:
    give_leave(world.ctx, world.message("survey", subject="1001").id, "The shop may show my words.")


def approved(world: World, **how: Any) -> Review:
    answer(world)
    agree(world)
    review: Review = world.row(Review)
    decide(world.ctx, shop_id(world), review.id, reviews.APPROVED, ADA, **how)
    return world.row(Review)


def shown(world: World, language: str = "en") -> list[str]:
    products = [str(line["product_id"]) for line in world.row(reviews.Order, platform_id="1001").lines]
    with world.ctx.database.reading() as session:
        return sorted({one.words for one in shown_reviews(session, shop_id(world), products, language).values()})


def test_without_leave_there_is_no_review(tea: World) -> None:
    answer(tea)
    assert tea.rows(Review) == []


@pytest.mark.parametrize(("satisfaction", "words"), [(3, "It is tea"), (5, ""), (1, "Bad"), (5, "x" * 1_001)])
def test_leave_without_something_good_is_not_remembered(tea: World, satisfaction: int, words: str) -> None:
    answer(tea, satisfaction, words)
    agree(tea)
    assert tea.row(SurveyAnswer).leave_at is None
    assert tea.rows(Review) == []


def test_leave_is_kept_with_its_moment_and_wording_and_makes_a_candidate(tea: World) -> None:
    answer(tea)
    agree(tea)
    given = tea.row(SurveyAnswer)
    assert (given.leave_at, given.leave_words) == (tea.now, "The shop may show my words.")
    assert given.leave_withdrawn_at is None
    review = tea.row(Review)
    assert (review.state, review.stars, review.words, review.first_name) == ("pending", 5, WORDS, "Jane")
    assert shown(tea) == []
    agree(tea)
    assert len(tea.rows(Review)) == 1


def test_approval_shows_it_under_its_product(tea: World) -> None:
    review = approved(tea)
    assert (review.state, review.decided_by, review.decided_at) == ("approved", ADA, tea.now)
    assert shown(tea) == [WORDS]
    assert shown(tea, "ko") == []  # whoever reads Korean is not shown what is written for readers of English
    assert tea.row(Change, what="review.approved").after["review"] == "approved"
    decide(tea.ctx, shop_id(tea), review.id, reviews.REJECTED, ADA)
    assert shown(tea) == []


def test_taking_the_leave_back_takes_the_words_back(tea: World) -> None:
    approved(tea)
    tea.later(days=400)
    withdraw_leave(tea.ctx, tea.message("survey").id)
    assert tea.rows(Review) == tea.rows(ReviewShown) == []
    assert tea.row(SurveyAnswer).leave_withdrawn_at == tea.now
    agree(tea)
    assert tea.row(Review).state == "pending"  # to be approved anew


@pytest.mark.parametrize(("satisfaction", "words"), [(5, "Other words"), (4, WORDS)])
def test_other_words_or_stars_wait_for_approval_again(tea: World, satisfaction: int, words: str) -> None:
    approved(tea)
    answer(tea, satisfaction, words)
    review = tea.row(Review)
    assert (review.state, review.words, review.stars, review.decided_by) == ("pending", words, satisfaction, None)
    assert shown(tea) == []


def test_the_same_words_again_stay_approved(tea: World) -> None:
    approved(tea)
    answer(tea)
    assert shown(tea) == [WORDS]


def test_a_change_of_heart_takes_it_down(tea: World) -> None:
    approved(tea)
    answer(tea, 2, "It broke")
    assert tea.rows(Review) == tea.rows(ReviewShown) == []
    answer(tea, 5, WORDS)
    assert tea.row(Review).state == "pending"  # the leave holds, the approval does not


def test_words_are_not_approved_unread(tea: World) -> None:
    answer(tea)
    agree(tea)
    seen = version_of(tea.row(Review))
    answer(tea, 5, "Buy at evil.example")
    with pytest.raises(OtherWords):
        decide(tea.ctx, shop_id(tea), tea.row(Review).id, reviews.APPROVED, ADA, seen=seen)
    assert shown(tea) == []


def test_it_speaks_of_products_of_its_order(tea: World) -> None:
    answer(tea)
    agree(tea)
    review = tea.row(Review)
    mine = review.products
    assert mine == [str(line["product_id"]) for line in tea.row(reviews.Order).lines]
    for wrong in ([], ["999"], [*mine, "999"]):
        with pytest.raises(BadProducts):
            decide(tea.ctx, shop_id(tea), review.id, reviews.APPROVED, ADA, products=wrong)
    decide(tea.ctx, shop_id(tea), review.id, reviews.APPROVED, ADA, products=mine)
    assert shown(tea) == [WORDS]


def test_erasure_takes_the_words_everywhere(tea: World) -> None:
    approved(tea)
    with tea.ctx.database.transaction() as session:
        row = session.query(SurveyAnswer).one()
        row.given = {"words": {"kind": "text", "asked": "Words?", "place": 2, "words": WORDS},
                     "why": {"kind": "choice", "asked": "Why?", "place": 0, "other": "my secret",
                             "chosen": [{"id": "a", "said": "Taste"}]}}  # fmt: skip
    tea.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    assert tea.rows(Review) == tea.rows(ReviewShown) == []
    row = tea.row(SurveyAnswer)
    assert (row.satisfaction, row.words, row.leave_at) == (5, None, None)
    assert row.given["why"] == {"kind": "choice", "asked": "Why?", "place": 0, "chosen": [{"id": "a", "said": "Taste"}]}
    assert "words" not in row.given["words"]
    with pytest.raises(answers.Erased):
        agree(tea)


def test_an_erased_shop_keeps_none(tea: World) -> None:
    approved(tea)
    with tea.ctx.database.transaction() as session:
        erase_shop(session, tea.ctx, session.get_one(Shop, shop_id(tea)))
    assert tea.rows(Review) == tea.rows(ReviewShown) == []


def test_it_is_exported(tea: World) -> None:
    approved(tea)
    assert any(b'"type":"review"' in line and b"spam.example" in line for line in export(tea.ctx, shop_id(tea)))


def test_another_shop_reaches_none_of_it(tea: World) -> None:
    review = approved(tea)
    tea.add_shop("other.myshopify.com")
    other = int(tea.row(Shop, domain="other.myshopify.com").id)
    with tea.ctx.database.reading() as session:
        assert list_reviews(session, other, "approved") == []
        assert shown_reviews(session, other, review.products, "en") == {}
    with pytest.raises(NoSuchReview):
        decide(tea.ctx, other, review.id, reviews.REJECTED, "eve")
    assert shown(tea) == [WORDS]


def test_every_look_stands_on_an_index(world: World) -> None:
    tea = asked(world)
    review, mine, message = approved(tea), shop_id(tea), tea.message("survey").id
    with plans(tea.ctx.database) as found:
        with tea.ctx.database.reading() as session:
            assert shown_reviews(session, mine, review.products, "en")
            [line] = list_reviews(session, mine, "approved")
            assert survey_duration(session, mine, 1, tea.now).answers == 0
        decide(tea.ctx, mine, review.id, reviews.APPROVED, ADA)
        withdraw_leave(tea.ctx, message)
    assert line.id == review.id
    assert scans(found) == []


def test_the_reminder_quotes_it_and_makes_no_link_of_it(tea: World) -> None:
    """Jane's approved words stand under the product in a stranger's reminder, and are gone when she takes them back."""
    approved(tea)
    seen = tea.row(Review).products[0]
    tea.hook("products/update", product(tea.now, int(seen)))
    before, after = _reminders(tea, seen)
    assert "“Lovely <b>tea</b>, see https" in before.replace("\u200b", "")
    assert "https://spam" not in before
    assert "Jane" in before
    assert "Lovely" not in after
    assert after


def _reminders(tea: World, product_id: str) -> tuple[str, str]:
    """The reminder's text as it would leave now, before and after the leave was taken back."""
    from plugin.content.render import render
    from plugin.domain.flows import MessageClass
    from plugin.services.compose import compose
    from plugin.services.desk import lay_out
    from plugin.services.leave import Go
    from plugin.services.recommend import Recommendation
    from plugin.store.models.messages import Message
    from plugin.store.models.orders import Order

    class Suggesting:
        def find(self, *_: Any) -> list[Recommendation]:
            return [Recommendation(product_id=product_id, title="Green tea", url="https://haneul.example/p",
                                   image_url=None, price=None, buyers=0, reason="new")]

    bo = "bo@example.com"
    tea.hook("orders/create", order(tea.now, 1002, customer=customer(502, email=bo), email=bo))
    found, go = [], Go(sells=True, message_class=MessageClass.MARKETING)
    for taken_back in (False, True):
        if taken_back:
            withdraw_leave(tea.ctx, tea.message("survey", subject="1001").id)
        with tea.ctx.database.reading() as session:
            reminder = session.query(Message).filter_by(step="cross_sell_follow_up", subject="1002").one()
            desk = lay_out(session, [reminder], (Suggesting(), tea.now))  # type: ignore[arg-type]
            shop, bought = desk.shops[reminder.shop_id], session.get_one(Order, reminder.order_id)
            view = compose(desk, tea.ctx, shop, desk.settings_of(shop), bought, reminder, go)
            mail = render(view)
            assert "<b>tea" not in mail.html
            found.append(mail.text)
    return found[0], found[1]
