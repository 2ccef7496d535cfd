"""You told us, we fixed it: those who raised it get one mail, under the rules of any other, and it can be undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.flows import YOU_TOLD_US
from plugin.services import mendings
from plugin.services.answers import unsubscribe
from plugin.services.context import Context
from plugin.services.feedback_tags import change_tag
from plugin.services.issue_desk import close
from plugin.services.mending_audience import Audience, audience
from plugin.services.mendings import BadSentence, NoSuchMending, mark_mended, undo
from plugin.services.shop_work import work_off
from plugin.services.tagging import NoSuchTag
from plugin.store.models.customers import Issue
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from tests.services.test_tagging import Desk
from tests.services.world import DOMAIN, World, compliance, customer, iso, order

SENTENCE = "Our parcels now leave on the day you order."
LATE = "It came two weeks late."


class Shop(Desk):
    """Customers who answer, a shop that mends, and mail that leaves."""

    def buys(self, number: int, person: int = 501, **changes: object) -> None:
        mail = f"c{person}@example.com"
        given = {"customer": customer(person, email=mail), "email": mail, "contact_email": mail, **changes}
        self.world.hook("orders/create", order(self.world.now, number, **given))

    def mends(self, key: str = "late_delivery", en: str = SENTENCE, ko: str = "") -> int:
        with self.ctx.database.reading() as session:
            seen = mendings.newest(session, self.shop_id)
        made = mark_mended(self.ctx, self.shop_id, self.tag(key), en, ko, "the owner", seen)
        assert made is not None
        return made

    def works(self) -> None:
        while work_off(self.ctx):
            pass

    def tells(self) -> list[str]:
        """Whom the mails that leave now go to."""
        before = len(self.world.sink.mails)
        self.works()
        self.world.send()
        new = list(zip(self.world.sink.steps(), self.world.sink.mails, strict=True))[before:]
        return [mail[1].partition("@")[0] for step, mail in new if step == YOU_TOLD_US]

    def audience(self, key: str = "late_delivery") -> Audience:
        with self.ctx.database.reading() as session:
            return audience(session, self.ctx, self.shop_id, self.tag(key))

    def told(self) -> list[str]:
        return sorted(f"{m.state}: {m.reason}" for m in self.world.rows(Message, step=YOU_TOLD_US))


@pytest.fixture
def shop(context: Context) -> Shop:
    made = Shop(World(context))
    for number, person in ((1001, 501), (1002, 502), (1003, 503)):
        made.buys(number, person)
    made.world.send()
    made.says(LATE, number=1001)
    made.says("Lovely tea", score=5, number=1002)
    return made


def test_exactly_those_who_raised_it_get_one_mail(shop: Shop) -> None:
    shop.mends()
    assert shop.tells() == ["c501"]
    mail = shop.world.sink.parsed()[-1]
    assert mail["Subject"] == "You told us, we fixed it: Late delivery"
    assert mail["Feedback-ID"].startswith("you_told_us:feedback:service:")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert SENTENCE in shop.world.text_of(YOU_TOLD_US)
    assert "what had not been right: Late" in shop.world.text_of(YOU_TOLD_US)
    row = shop.world.row(Message, step=YOU_TOLD_US)
    assert (row.flow, row.message_class) == ("feedback", "service")
    shop.world.later(days=3)
    shop.world.hook("orders/updated", order(shop.world.now, 1001, updated_at=iso(shop.world.now)))
    assert shop.tells() == []


def test_without_a_mending_no_plan_speaks_of_it(shop: Shop) -> None:
    shop.world.later(days=1)
    assert shop.told() == []


def test_the_preview_says_who_and_who_not_and_why_as_it_then_comes(shop: Shop) -> None:
    for number, person in ((1004, 504), (1005, 505), (1006, 506)):
        shop.buys(number, person)
    shop.world.send()
    shop.says(LATE, score=1, number=1003)  # an open issue
    shop.says(LATE, number=1004)
    shop.says(LATE, number=1005)
    shop.says(LATE, number=1006)
    placed = shop.world.row(Order, platform_id="1004")
    unsubscribe(shop.ctx, shop.world.rows(Message, order_id=placed.id)[0].id)
    shop.world.hook("customers/redact", compliance(DOMAIN, 505, "c505@example.com", orders_to_redact=[1005]))
    seen = shop.audience()
    assert (seen.now, seen.later, seen.never, seen.raised) == (2, 1, 1, 4)
    assert dict(seen.reasons) == {
        "the customer was not satisfied, and nobody has settled it yet": 1, "the customer unsubscribed": 1,
    }  # fmt: skip
    assert [line.email for line in seen.would] == ["c501@example.com", "c503@example.com", "c506@example.com"]
    assert [(line.order_name, line.reason) for line in seen.would_not] == [("#1004", "the customer unsubscribed")]
    assert shop.told() == []  # looking stored nothing
    shop.mends()
    assert shop.tells() == ["c501", "c506"]


def test_one_mail_however_often_it_was_raised(shop: Shop) -> None:
    shop.buys(1011, 501)
    shop.world.send()
    shop.says(LATE, number=1011)
    assert shop.audience().now == 1
    shop.mends()
    assert shop.tells() == ["c501"]
    assert len(shop.world.rows(Message, step=YOU_TOLD_US)) == 1


def test_a_guest_with_two_orders_hears_once(shop: Shop) -> None:
    for number in (1021, 1022):
        shop.buys(number, customer=None, email="guest@example.com", contact_email="guest@example.com")
        shop.world.send()
        shop.says(LATE, number=number)
    shop.mends()
    assert shop.tells() == ["c501", "guest"]


def test_customers_merged_before_it_leaves_hear_once(shop: Shop) -> None:
    shop.says(LATE, number=1003)
    shop.mends()
    shop.works()
    assert len(shop.told()) == 2
    merged = {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/501",
              "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/503",
              "admin_graphql_api_job_id": None, "status": "completed", "errors": []}  # fmt: skip
    shop.world.hook("customers/merge", merged)
    assert len(shop.tells()) == 1
    assert len(shop.world.rows(Message, step=YOU_TOLD_US)) == 1


def test_customers_merged_after_one_of_them_heard_hear_no_more(shop: Shop) -> None:
    shop.says(LATE, score=1, number=1003)  # held by its open issue
    shop.mends()
    assert shop.tells() == ["c501"]
    merged = {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/503",
              "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/501",
              "admin_graphql_api_job_id": None, "status": "completed", "errors": []}  # fmt: skip
    shop.world.hook("customers/merge", merged)
    close(shop.ctx, shop.shop_id, shop.world.row(Issue).id, "settled", "Mina")
    shop.world.later(days=2)
    assert shop.tells() == []


def test_a_low_rating_is_settled_before_a_cheerful_word(shop: Shop) -> None:
    shop.says(LATE, score=1, number=1003)
    shop.mends()
    assert shop.tells() == ["c501"]
    assert shop.told()[0].startswith("held: the customer was not satisfied")
    shop.world.later(days=20)  # far beyond the two weeks after which it would be stale
    close(shop.ctx, shop.shop_id, shop.world.row(Issue).id, "settled", "Mina")
    assert shop.tells() == []
    shop.world.later(days=1)
    assert shop.tells() == ["c503"]


def test_a_new_low_rating_holds_back_what_has_not_left(shop: Shop) -> None:
    shop.world.configure(quiet_hours={"start": "00:00", "end": "23:59"})
    shop.mends()
    assert shop.tells() == []
    assert shop.told()[0].startswith("planned: deferred to")
    shop.buys(1031, 501)
    shop.world.send()
    shop.says("Awful", score=1, number=1031)
    assert shop.told()[0].startswith("held: the customer was not satisfied")


def test_too_late_is_never(shop: Shop) -> None:
    shop.mends()
    shop.works()
    shop.world.later(days=15)
    assert shop.tells() == []
    assert shop.told()[0].startswith("withheld: too late")


def test_taking_it_back_cancels_what_has_not_left_and_stops_the_planning(shop: Shop) -> None:
    shop.says(LATE, number=1003)
    first = shop.mends()
    shop.works()
    assert undo(shop.ctx, shop.shop_id, first, "the owner")
    assert not undo(shop.ctx, shop.shop_id, first, "the owner")
    assert shop.told() == ["cancelled: the shop took back that it is mended"] * 2
    second = shop.mends()
    undo(shop.ctx, shop.shop_id, second, "the owner")  # before anybody was planned
    assert shop.tells() == []
    assert shop.told() == ["cancelled: the shop took back that it is mended"] * 2
    third = shop.mends(en="Now it really is.")
    assert shop.tells() == ["c501", "c503"]
    assert third > second > first
    assert [line.what for line in shop.world.rows(Change) if line.what == "feedback.mended"] == ["feedback.mended"] * 5


def test_a_second_mending_reaches_only_those_who_raised_it_again(shop: Shop) -> None:
    shop.says(LATE, number=1003)
    shop.mends()
    assert shop.tells() == ["c501", "c503"]
    shop.world.later(days=2)
    shop.buys(1041, 503)
    shop.world.send()
    shop.says("Late again.", number=1041)
    shop.world.later(days=1)
    seen = shop.audience()
    assert (seen.now, dict(seen.reasons)) == (1, {"was told before and has raised nothing since": 1})
    shop.mends(en="Now with another carrier.")
    assert shop.tells() == ["c503"]


def test_who_raises_it_after_the_mending_is_not_told(shop: Shop) -> None:
    shop.mends()
    shop.world.later(hours=1)
    shop.says(LATE, number=1003)
    assert shop.tells() == ["c501"]
    shop.world.hook("orders/updated", order(shop.world.now, 1003, updated_at=iso(shop.world.now)))
    assert shop.tells() == []


def test_a_tag_taken_off_by_hand_before_it_leaves_ends_it(shop: Shop) -> None:
    answer = shop.says(LATE, number=1003)
    shop.mends()
    shop.works()
    shop.correct(answer, "late_delivery", "remove")
    assert shop.tells() == ["c501"]


def test_quiet_hours_and_caps_hold_for_it(shop: Shop) -> None:
    shop.world.configure(cap={"messages": 1, "days": 7})
    shop.says("Poor quality, it fell apart. Late.", number=1003)
    shop.mends("late_delivery")
    shop.mends("quality")
    assert shop.tells() == ["c501", "c503"]
    assert any("enough messages for now" in line for line in shop.told())
    shop.world.later(days=7, minutes=1)
    assert shop.tells() == ["c503"]


def test_a_shop_that_is_not_live_tells_nobody(shop: Shop) -> None:
    with shop.ctx.database.transaction() as session:
        from plugin.services.shops import find_shop, pause

        found = find_shop(session, DOMAIN)
        assert found is not None
        pause(session, shop.ctx, found)
    seen = shop.audience()
    assert (seen.now, seen.later, dict(seen.reasons)) == (0, 1, {"waits for the shop to go live": 1})
    shop.mends()
    assert shop.tells() == []


def test_each_reads_their_own_language_and_the_other_only_for_want_of_a_sentence(shop: Shop) -> None:
    shop.buys(1051, 551, customer_locale="ko")
    shop.world.send()
    shop.says("배송이 너무 늦었어요", number=1051)
    shop.mends(ko="이제 주문 당일에 발송합니다.")
    assert shop.tells() == ["c501", "c551"]
    subjects = [str(mail["Subject"]) for mail in shop.world.sink.parsed()[-2:]]
    assert subjects == ["You told us, we fixed it: Late delivery", "말씀해 주신 점을 고쳤습니다: 늦은 배송"]
    assert "이제 주문 당일에 발송합니다." in shop.world.text_of(YOU_TOLD_US)
    shop.buys(1052, 552, customer_locale="ko")
    shop.world.send()
    shop.says("가격이 비싸요", number=1052)
    shop.mends("price")
    assert shop.tells() == ["c552"]
    assert shop.world.sink.parsed()[-1]["Subject"] == "You told us, we fixed it: Price"


def test_a_form_sent_twice_mends_once_and_bad_input_nothing(shop: Shop) -> None:
    tag = shop.tag("late_delivery")
    first = mark_mended(shop.ctx, shop.shop_id, tag, SENTENCE, "", "the owner", 0)
    assert first
    assert mark_mended(shop.ctx, shop.shop_id, tag, SENTENCE, "", "the owner", 0) is None
    with pytest.raises(BadSentence):
        mark_mended(shop.ctx, shop.shop_id, tag, " \n ", "", "the owner", first)
    with pytest.raises(BadSentence):
        mark_mended(shop.ctx, shop.shop_id, tag, "x" * 501, "", "the owner", first)
    with pytest.raises(NoSuchTag):
        mark_mended(shop.ctx, shop.shop_id, 999_999, SENTENCE, "", "the owner", first)
    with pytest.raises(NoSuchMending):
        undo(shop.ctx, shop.shop_id, 999_999, "the owner")


def test_a_sentence_and_a_tag_of_scripts_are_words_in_the_mail(shop: Shop) -> None:
    change_tag(shop.ctx, shop.shop_id, shop.tag("late_delivery"), "<b>{{ 7 }}</b>", "늦음", [], False, "the owner")
    shop.mends(en="<script>alert(1)</script> {{ order_name }} \r\nBcc: x@example.com")
    assert shop.tells() == ["c501"]
    html = shop.world.text_of(YOU_TOLD_US, "html")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "{{ order_name }}" in html
    assert shop.world.sink.parsed()[-1]["Bcc"] is None


def test_thousands_are_planned_in_batches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mendings, "BATCH", 2)
    for number in range(1061, 1066):
        shop.buys(number, number)
        shop.world.send()
        shop.says(LATE, number=number)
    shop.mends()
    assert work_off(shop.ctx) == 1
    assert len(shop.told()) == 2
    assert len(shop.tells()) == 6
    assert shop.world.now - timedelta(days=1) < shop.world.row(Message, subject="m1-1065").sent_at
