"""The words: the same keys and the same places for values in both languages, and every page in both."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from plugin.web.merchant import words
from plugin.web.merchant.words import catalogue
from schemas.settings import LANGUAGES
from tests.web.scenes import Scene

HANGUL = re.compile(r"[가-힣]")


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things():
    english = {key for key in catalogue("en") if not key.endswith("_one")}  # Korean has no plural
    assert english == {key for key in catalogue("ko") if not key.endswith("_one")}


def test_every_text_takes_the_same_values():
    for key, text in catalogue("ko").items():
        assert places(text) == places(catalogue("en")[key]), key
    for key, text in catalogue("en").items():
        if key.endswith("_one") and key.removesuffix("_one") in catalogue("en"):
            assert places(text) <= places(catalogue("en")[key.removesuffix("_one")]), key


def test_no_text_is_blank_and_korean_is_korean():
    for language in LANGUAGES:
        assert all(text.strip() for text in catalogue(language).values())
    foreign = [key for key, text in catalogue("ko").items() if len(text) > 40 and not HANGUL.search(text)]
    assert foreign == []


def test_numbers_are_grouped_and_one_is_one():
    assert words.text("en", "home.undated", n=1204) == "1,204 wait for news of the order"
    assert words.text("en", "home.undated", n=1) == "1 waits for news of the order"
    assert words.text("ko", "home.undated", n=1).startswith("1건")


@pytest.mark.parametrize("path", ["/app", "/app/settings", "/app/live", "/app/changes", "/app/steps/survey", "/login"])
def test_korean_pages_hold_no_english_sentence(tea: Scene, signed_in, path: str):
    signed_in.set_cookie("dasi_language", "ko")
    text = signed_in.get(path).text
    assert '<html lang="ko">' in text
    main = re.sub(r"<[^>]+>", "\n", text.partition("<main")[2])
    english = {text for key, text in catalogue("en").items() if len(text) > 12 and "{" not in text}
    said = {line.strip() for line in main.split("\n")}
    assert not english & said
