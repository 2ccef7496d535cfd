"""What customers' words suggest, as a table of sentences: in both languages, with what is denied left out."""

from __future__ import annotations

import pytest

from plugin.domain.tags import STARTING_SET, TagRule, clean_words, suggest

RULES = [TagRule(number, key) for number, key in enumerate(STARTING_SET)]
KEYS = list(STARTING_SET)


def tags(text: str) -> set[str]:
    return {KEYS[number] for number in suggest(text, RULES)}


@pytest.mark.parametrize(("text", "wanted"), [
    ("It arrived two weeks late.", "late_delivery"),
    ("Delivery took too long", "late_delivery"),
    ("The delivery was terrible", "late_delivery"),
    ("My parcel never arrived", "late_delivery"),
    ("The cup was broken and tea leaked everywhere", "damaged"),
    ("One bowl cracked.", "damaged"),
    ("I got the wrong colour", "wrong_item"),
    ("The lid is missing", "wrong_item"),
    ("Poor quality, it fell apart after a week", "quality"),
    ("The quality isn't great", "quality"),
    ("The quality is not what I hoped: disappointing", "quality"),
    ("It didn't fit me", "size_fit"),
    ("Sleeves are too short", "size_fit"),
    ("Far too expensive for what it is", "price"),
    ("The price is ridiculous", "price"),
    ("Rude staff", "service"),
    ("Nobody answered my mails", "service"),
    ("Your checkout failed twice", "website"),
    ("The website is confusing", "website"),
    ("So much plastic... too much packaging", "packaging"),
    ("Badly packed", "packaging"),
    ("Lovely tea, thank you!", "praise"),
    ("Great tea but the delivery was slow", "praise late_delivery"),
    ("It’s not only late, it was broken", "late_delivery damaged"),
    ("배송이 너무 늦었어요", "late_delivery"),
    ("배송 지연이 심했습니다", "late_delivery"),
    ("배송이 별로였어요", "late_delivery"),
    ("컵이 깨져서 왔어요", "damaged"),
    ("파손된 상태로 도착", "damaged"),
    ("다른 상품이 왔습니다", "wrong_item"),
    ("구성품이 누락됐어요", "wrong_item"),
    ("품질이 좋지 않아요", "quality"),
    ("불량이에요", "quality"),
    ("사이즈가 안 맞아요", "size_fit"),
    ("생각보다 너무 작아요", "size_fit"),
    ("가격이 비싸요", "price"),
    ("상담원이 불친절했어요", "service"),
    ("문의했는데 답변이 없어요", "service"),
    ("결제가 안 돼서 힘들었어요", "website"),
    ("홈페이지가 불편해요", "website"),
    ("포장이 허술해요", "packaging"),
    ("과대 포장이에요", "packaging"),
    ("정말 만족합니다", "praise"),
    ("향은 좋은데 배송이 늦었어요", "praise late_delivery"),
])  # fmt: skip
def test_what_is_said(text: str, wanted: str) -> None:
    assert tags(text) == set(wanted.split())


@pytest.mark.parametrize("text", [
    "Nothing was broken", "It was not broken", "It wasn't damaged at all", "No damage", "It was never late",
    "Not expensive", "No problems with the delivery", "The box is green", "What is the price?", "I ordered tea",
    "No complaints about the packaging", "안 깨졌어요", "깨지지 않았어요", "파손 없이 왔어요", "파손은 전혀 없었어요",
    "늦지 않았어요", "비싸지 않아요", "하자 없어요", "배송이 왔습니다", "가격이 얼마인가요", "포장을 뜯었습니다",
    "", "   ",
])  # fmt: skip
def test_what_is_denied_or_only_named_suggests_no_complaint(text: str) -> None:
    assert tags(text) <= {"praise"}


@pytest.mark.parametrize("text", ["not good", "I am not happy", "좋지 않아요", "만족스럽지 않습니다", "안 좋아요"])
def test_denied_praise_is_none(text: str) -> None:
    assert tags(text) == set()


def test_a_merchants_own_words_count_with_the_same_care() -> None:
    straw = TagRule(1, None, clean_words(["Paper straw", "빨대", "x", "  "]))
    assert straw.words == ("paper straw", "빨대")
    assert suggest("The paper straws melt", [straw]) == {1}
    assert suggest("종이 빨대가 녹아요", [straw]) == {1}
    assert suggest("There was no paper straw", [straw]) == set()
    assert suggest("빨대는 없었어요", [straw]) == set()


def test_a_long_text_of_scripts_is_read_and_means_nothing() -> None:
    assert tags("<script>alert('x')</script> http://evil.example " * 20_000) == set()
