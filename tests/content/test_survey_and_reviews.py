"""The survey's taps for whatever is asked first, and others' words, which are never markup and never a link."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from plugin.content.model import QuoteView
from plugin.content.preview import samples
from plugin.content.render import render
from plugin.content.safe_text import unlinked

SAMPLES = samples()
EVIL = '<script>alert(1)</script><a href="https://x.example">x</a> https://spam.example/a www.b.example c@d.example'


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_choice_is_tapped(language: str) -> None:
    message = render(SAMPLES[f"survey-choice.{language}"])
    for option in ("o1", "o2"):
        assert f"/s/sample?score={option}" in message.html
        assert f"/s/sample?score={option}" in message.text
    assert "score=5" not in message.html + message.text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_recommendation_is_tapped(language: str) -> None:
    message = render(SAMPLES[f"survey-scale.{language}"])
    for number in range(11):
        assert re.search(rf"/s/sample\?score={number}\b", message.html)
        assert re.search(rf"/s/sample\?score={number}\n", message.text)


def test_a_satisfaction_in_the_merchants_words_keeps_its_five_answers() -> None:
    message = render(replace(SAMPLES["survey.en"], survey_question="Happy <with> us?"))
    assert "Happy &lt;with&gt; us?" in message.html
    assert "Happy <with> us?" in message.text
    assert "How satisfied are you" not in message.html
    assert "score=5" in message.html


def test_the_survey_that_nobody_edited_says_what_it_always_said() -> None:
    message = render(SAMPLES["survey.en"])
    assert "How satisfied are you with your order?" in message.text
    assert [int(score) for score in re.findall(r"score=(\d+)", message.text)] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_words_are_quoted_with_name_stars_and_day(language: str) -> None:
    view = SAMPLES[f"cross_sell_follow_up-quoted.{language}"]
    quote = view.products[0].quote
    assert quote
    message = render(view)
    assert quote.words in message.text
    assert quote.by
    assert quote.by in message.text
    assert "2026" in message.text
    nameless = render(replace(view, products=(replace(view.products[0], quote=replace(quote, by=None)),)))
    assert quote.by not in nameless.text


def test_hostile_words_are_words() -> None:
    view = SAMPLES["cross_sell_follow_up-quoted.en"]
    quote = QuoteView(words=EVIL, stars=4, by="https://me.example", on=view.placed_at)
    message = render(replace(view, products=(replace(view.products[0], quote=quote),)))
    assert "<script" not in message.html
    assert "x.example" not in "".join(re.findall(r'href="([^"]+)"', message.html))
    assert "me.example" not in message.html
    for said in (html.unescape(message.html), message.text):
        for address in ("https://spam.example", "www.b.example", "c@d.example"):
            assert address not in said
            assert address in said.replace("\u200b", "")


@pytest.mark.parametrize("words", ["Good tea. Really good.", "4.5 of 5", "Tea/coffee: both", "좋아요. 최고예요!", ""])
def test_plain_words_are_left_alone_as_far_as_they_are_read(words: str) -> None:
    assert unlinked(words).replace("\u200b", "") == words


@pytest.mark.parametrize("address", ["https://a.example/b", "a.example", "www.a.co.kr", "me@a.example", "ftp://x"])
def test_no_address_stays_whole(address: str) -> None:
    found = unlinked(f"see {address} now")
    assert address not in found
    assert address in found.replace("\u200b", "")
