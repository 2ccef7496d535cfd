"""What each message tells its reader, in HTML and in plain text alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.content.model import Links, ParcelView, ProductView
from plugin.content.preview import samples
from plugin.content.render import render
from schemas.events import Money

SAMPLES = samples()


def _says(name: str, *expected: str, **changes: object) -> None:
    message = render(replace(SAMPLES[name], **changes))  # type: ignore[arg-type]
    html, text = message.html, " ".join(message.text.split())
    for words in expected:
        assert words in html, words
        assert words in text, words


def _keeps_quiet(name: str, *unwanted: str, **changes: object) -> None:
    message = render(replace(SAMPLES[name], **changes))  # type: ignore[arg-type]
    for words in unwanted:
        assert words.lower() not in (message.subject + message.html + message.text).lower(), words


def test_thank_you() -> None:
    _says(
        "thank_you.en",
        "Hi Anna,", "#1001", "Linen apron", "Navy / One size", "2 × $64.50", "Total", "$234.00",
        "write again with the tracking number", "between Tue 3 and Fri 6 November",
        "https://shop.example/orders/1001?key=sample", "What happens next",
    )  # fmt: skip
    _says(
        "thank_you.ko",
        "김민준 님, 안녕하세요.",
        "52,000원",
        "11월 3일(화)~6일(금) 사이에 도착할 예정입니다.",
        "운송장 번호",
    )
    _keeps_quiet("thank_you.en", "Also at")
    _says("thank_you-hint.en", "Also at", "Beeswax board balm", "$14.00", "https://dasi.example/c/sample-1")


@pytest.mark.parametrize("kind", ["digital", "pickup"])
def test_thank_you_without_a_parcel_speaks_of_none(kind: str) -> None:
    window = SAMPLES["thank_you.en"].window
    _keeps_quiet(f"thank_you-{kind}.en", "ships", "tracking number", "should reach you", window=window)
    _keeps_quiet(f"thank_you-{kind}.ko", "발송", "운송장", "도착할 예정", window=window)


def test_a_missing_name_gets_a_warm_greeting() -> None:
    _says("thank_you-bare.en", "Hello,")
    _says("thank_you-bare.ko", "고객님, 안녕하세요.")


def test_a_long_order_shows_its_first_lines() -> None:
    _says("thank_you-200_lines.en", "Linen apron 20", "and 180 more")
    _says("thank_you-200_lines.ko", "외 180건")
    _keeps_quiet("thank_you-200_lines.en", "Linen apron 21")


def test_shipped() -> None:
    _says(
        "shipped.en",
        "UPS", "1Z999AA10123456784", "https://carrier.example/track/1Z999AA10123456784", "Oak cutting board",
        "How to follow your parcel", "enter 1Z999AA10123456784", "between Tue 3 and Fri 6 November",
        "What happens next",
    )  # fmt: skip
    _says("shipped.ko", "CJ대한통운", "운송장 번호", "배송 조회 방법", "11월 3일(화)~6일(금) 사이")
    _keeps_quiet("shipped.en", "The rest of your order", "Parcel 1 of")
    _says("shipped-part.en", "The rest of your order follows")
    _says("shipped-part.ko", "나머지 상품은 따로")
    assert render(SAMPLES["shipped.en"]).subject == "Your order #1001 is on its way"
    assert "Part of" in render(SAMPLES["shipped-part.en"]).subject


def test_two_parcels_are_told_apart() -> None:
    _says("shipped-two_parcels.en", "Parcel 1 of 2", "Parcel 2 of 2", "1Z999AA10123456784", "1Z999AA10123456795")


def test_a_missing_tracking_number_is_said_plainly() -> None:
    _says("shipped-no_number.en", "no tracking number for this parcel")
    _says("shipped-no_number.ko", "운송장 번호가 없어")
    _keeps_quiet("shipped-no_number.en", "How to follow", "enter 1Z")


def test_a_link_without_a_number_is_followed_without_one() -> None:
    parcel = ParcelView(name=None, carrier=None, tracking_urls=("https://carrier.example/x",))
    _says("shipped.en", "https://carrier.example/x", "you need no number", "only the page above", parcels=(parcel,))


def test_a_number_without_a_link_leads_to_the_carrier() -> None:
    parcel = ParcelView(name=None, carrier="Post", tracking_numbers=("RR123",))
    _says("shipped.en", "RR123", "Open the carrier’s website or app (Post)", "enter RR123", parcels=(parcel,))


def test_delivered_states_and_still_asks() -> None:
    taps = "https://dasi.example/d/sample?answer=yes", "https://dasi.example/d/sample?answer=not_yet"
    _says("delivered.en", "The carrier tells us", "Did it arrive?", "Yes, it arrived", "Not yet", *taps)
    _says("delivered.en", "If it is not there", "Get the most from it", "https://shop.example/pages/care-1")
    _says("delivered.ko", "도착했다고 택배사에서 알려", "네, 받았어요", "아직 못 받았어요", *taps)


def test_an_estimate_asks_and_does_not_state() -> None:
    _says("delivered-estimated.en", "The carrier has not told us", "Yes, it arrived", "Not yet")
    _keeps_quiet(
        "delivered-estimated.en", "has been delivered", "hope that everything", "Get the most from it", "enjoy"
    )
    _keeps_quiet("delivered-estimated.ko", "배송이 완료", "마음에 드셨으면")
    assert render(SAMPLES["delivered-estimated.en"]).subject == "Has your order #1001 arrived?"


def test_delivered_without_a_page_asks_for_a_reply() -> None:
    _says("delivered-estimated.en", "reply to this email with “yes” or “not yet”", links=Links())


def test_how_to_is_left_out_when_there_is_none() -> None:
    lines = tuple(replace(line, how_to_url=None) for line in SAMPLES["delivered.en"].lines)
    _keeps_quiet("delivered.en", "Get the most from it", lines=lines)


def test_digital_goods_are_ready_and_no_parcel_is_asked_after() -> None:
    _says("delivered-digital.en", "is ready", "https://shop.example/orders/1001?key=sample")
    _keeps_quiet("delivered-digital.en", "parcel", "answer=yes", "carrier")
    _keeps_quiet("delivered-digital.ko", "택배", "answer=yes")


def test_survey() -> None:
    scores = [f"https://dasi.example/s/sample?score={score}" for score in range(1, 6)]
    _says("survey.en", *scores, "Very satisfied", "Very dissatisfied", "about 1 minute,", "Thank you again")
    _says("survey.ko", *scores, "매우 만족해요", "매우 아쉬워요", "1분 정도면", "다시 한번 감사")
    _says("survey.en", "about 3 minutes,", survey_minutes=3)
    _keeps_quiet("survey.en", "discount", "coupon", "voucher")
    _keeps_quiet("survey.ko", "할인", "쿠폰")
    _says("survey.en", "reply to this email with a number from 1", links=Links())


def test_cross_sell() -> None:
    _says("cross_sell.en", "enjoying “Linen apron”", "Beeswax board balm", "$14.00", "https://dasi.example/c/sample-1")
    _says("cross_sell.ko", "“리넨 앞치마” 상품이 마음에", "밀랍 도마 왁스", "18,000원")
    _says("cross_sell-no_products.en", "enjoying “Linen apron”", "welcome in our shop", "https://shop.example/")
    _says("cross_sell.en", "enjoying your order #1001", enjoyed=None)
    _keeps_quiet("cross_sell-no_products.en", "Goes well")


def test_follow_up_tells_what_others_said_and_makes_nothing_up() -> None:
    _says("cross_sell_follow_up.en", "4.7 out of 5, from 38 customers", "Bought 112 times", "Bought 17 times")
    _says("cross_sell_follow_up.ko", "5점 만점에 4.7점 (38명 평가)", "구매 112회")
    _keeps_quiet("cross_sell_follow_up-silent.en", "customers say", "out of 5", "bought", "★", "chosen by")
    _keeps_quiet("cross_sell_follow_up-silent.ko", "평가", "★", "구매 ")
    one = ProductView(title="One", url="https://shop.example/1", rating=5.0, rating_count=1, buyers=1)
    _says("cross_sell_follow_up.en", "5 out of 5, from 1 customer", "Bought once", products=(one,))


@pytest.mark.parametrize(("rating", "count"), [(4.5, 0), (None, 12), (0.0, 3), (9.0, 3)])
def test_a_rating_without_answers_is_not_shown(rating: float | None, count: int) -> None:
    product = ProductView(
        title="One", url="https://shop.example/1", price=Money(100, "USD"), rating=rating, rating_count=count
    )
    _keeps_quiet("cross_sell_follow_up.en", "out of 5", "customers say", products=(product,))
