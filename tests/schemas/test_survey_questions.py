"""The merchant's question sets: what is accepted, and that today's survey needs no word in the settings."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from schemas.settings import ShopSettings, dump_settings, load_settings
from schemas.survey import DEFAULT_QUESTIONS, QuestionSetSchema

SATISFACTION = {"id": "satisfaction", "kind": "satisfaction"}
NPS = {"id": "recommendation", "kind": "recommendation"}
WORDS = {"id": "words", "kind": "text"}


def option(id_: str, **wording: str) -> dict[str, Any]:
    return {"id": id_, "wording": wording or {"en": id_.title()}}


def choice(*options: str, **changes: Any) -> dict[str, Any]:
    found = {"id": "why", "kind": "choice", "wording": {"en": "Why us?"}, "options": [option(one) for one in options]}
    return found | changes


def test_todays_survey_is_the_default_and_leaves_no_trace():
    assert [one.id for one in ShopSettings().survey()] == ["satisfaction", "recommendation", "words"]
    assert "questions" not in dump_settings(ShopSettings())
    told = QuestionSetSchema().dump({"questions": DEFAULT_QUESTIONS})
    assert load_settings(told) == ShopSettings()


def test_a_set_comes_back_as_it_was_given():
    given = {"questions": [
        choice("price", "taste", required=True, other=True), SATISFACTION, NPS,
        choice("a", "b", "c", "d", "e", "f", id="q2", several=True),
        WORDS | {"wording": {"en": "Tell us", "ko": "말씀해 주세요"}}, {"id": "q3", "kind": "text"},
    ]}  # fmt: skip
    settings = load_settings(given)
    assert [one.id for one in settings.survey()] == ["why", "satisfaction", "recommendation", "q2", "words", "q3"]
    assert load_settings(dump_settings(settings)) == settings
    assert settings.survey()[4].asked("ko") == "말씀해 주세요"
    assert settings.survey()[0].asked("ko") == "Why us?"  # better in another language than not at all


@pytest.mark.parametrize(("questions", "says"), [
    ([WORDS], "one tap"),
    ([choice("a", "b", "c", "d", "e", "f")], "one tap"),
    ([choice("a", "b", several=True)], "one tap"),
    ([SATISFACTION, SATISFACTION], "already"),
    ([SATISFACTION, choice("a")], "two answers"),
    ([SATISFACTION, choice("a", "a")], "same id"),
    ([SATISFACTION, choice("a", "b", wording={})], "one language"),
    ([SATISFACTION, choice("a", "b", wording={"fr": "Pourquoi ?"})], "Must be one of"),
    ([SATISFACTION, choice("a", "b", wording={"en": "  "})], "blank"),
    ([SATISFACTION, choice("a", "b", wording={"en": "x" * 201})], "between 1 and 200"),
    ([SATISFACTION, choice("a", "b", wording={"en": "two\nlines"})], "One or more of the choices"),
    ([SATISFACTION, choice(*"abcdefghijklm")], "Longer than"),
    ([SATISFACTION, choice("a", "b", id="words")], "kept for"),
    ([{"id": "score", "kind": "satisfaction"}], "of this kind"),
    ([SATISFACTION, {"id": "x", "kind": "stars"}], "Must be one of"),
    ([SATISFACTION, {"id": "Q 1", "kind": "text"}], "does not match"),
    ([SATISFACTION, WORDS | {"options": [option("a")]}], "only a choice"),
    ([SATISFACTION, WORDS | {"colour": "red"}], "Unknown field"),
    ([SATISFACTION, *({"id": f"q{n}", "kind": "text"} for n in range(8))], "Longer than"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(questions: list[dict[str, Any]], says: str):
    for load in (load_settings, QuestionSetSchema().load):
        with pytest.raises(ValidationError, match=says):
            load({"questions": questions})
