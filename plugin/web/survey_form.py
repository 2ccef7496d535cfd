"""The survey's form: the questions in the customer's language, and what was answered in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from plugin.domain.survey import Given
from plugin.services.answers import KEPT_WORDS, kept_words
from plugin.services.survey_view import Survey
from plugin.web.texts import text
from plugin.web.token_pages import small_number
from plugin.web.visits import Visit
from schemas.survey import CHOICE, TEXT, WORDS, Question, QuestionSetSchema

MAX_WORDS = 20_000  # characters that are read; 4,000 are kept
MAX_OTHER = 200  # characters of a reason not listed
OTHER, SHOWN = "-other", "-shown"  # fields of a choice: the reason not listed; it was on the page, so none is an answer
_OURS = {"satisfaction": "survey_satisfaction", "recommendation": "survey_recommendation", "text": "survey_words"}
_NEED = {"satisfaction": "survey_need_satisfaction"}
_BAD = {**_NEED, "recommendation": "survey_bad_recommendation"}


@dataclass(slots=True)
class Filled:
    """What a form says. `given`: by question; None takes an answer back. `wrong`: (field, key of the text).

    `typed`: free texts as they came, to be shown again. `cut`: some words were beyond what is kept.
    """

    given: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    typed: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    def draft(self, stored: Survey | None) -> Given:
        """What the page shows when it comes back: nothing that was filled in is lost."""
        said = said_of(stored) | {id_: one for id_, one in self.given.items() if one is not None}
        return said | {id_: {"words": words} for id_, words in self.typed.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question as the page shows it. `options`: (id, words, chosen); `value`: a score; `words`: as written."""

    question: Question
    asked: str
    hint: str | None
    value: int | None = None
    words: str = ""
    options: list[tuple[str, str, bool]] = field(default_factory=list)


def asked(question: Question, language: str, shop_name: str) -> str:
    """The question in words."""
    return question.asked(language) or text(language, _OURS[question.kind], shop=shop_name)


def needed(questions: Sequence[Question]) -> list[str]:
    """The questions without which an answer is not complete."""
    return [one.id for place, one in enumerate(questions) if is_required(one, place) or one.scored]


def is_required(question: Question, place: int) -> bool:
    return question.required or place == 0


def digest(questions: Sequence[Question]) -> str:
    """Changes with what is asked and how."""
    dumped = QuestionSetSchema().dumps({"questions": questions}, sort_keys=True)
    return hashlib.sha256(dumped.encode()).hexdigest()[:12]


def tapped(questions: Sequence[Question], score: str | None) -> dict[str, dict[str, Any]]:
    """What the tap in the mail chose of the first question; nothing when it makes no sense."""
    first = questions[0]
    if first.kind == CHOICE:
        return {first.id: {"chosen": [{"id": score}]}} if score in {option.id for option in first.options} else {}
    value = small_number(score, first.range()[0], first.range()[-1])
    return {} if value is None else {first.id: {"value": value}}


def shown(
    questions: Sequence[Question], said: Mapping[str, Mapping[str, Any]], language: str, shop: str
) -> list[Asked]:
    """The questions with what was said so far."""
    found = []
    for question in questions:
        one = said.get(question.id, {})
        chosen = {option["id"] for option in one.get("chosen", ())}
        found.append(Asked(
            question=question, asked=asked(question, language, shop), value=one.get("value"),
            words=one.get("words") or one.get("other") or "",
            options=[(option.id, option.said(language), option.id in chosen) for option in question.options],
            hint=text(language, "survey_words_hint") if question.kind == TEXT and not question.wording else None,
        ))  # fmt: skip
    return found


def page_values(seen: Visit, said: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the page needs to show the questions."""
    return {
        "questions": shown(seen.questions, said, seen.language, seen.shop.name),
        "required": [is_required(one, place) for place, one in enumerate(seen.questions)],
    }


def said_of(stored: Survey | None) -> Given:
    """What is stored, by question; an answer of earlier versions has its three columns only."""
    if stored is None:
        return {}
    scores = {"satisfaction": stored.satisfaction, "recommendation": stored.recommendation}
    told: Given = {id_: {"kind": id_, "value": value} for id_, value in scores.items() if value is not None}
    if stored.words:
        told[WORDS] = {"kind": TEXT, "words": stored.words}
    return told | stored.given


def answers_of(stored: Survey, language: str, shop: str) -> list[tuple[str, dict[str, Any]]]:
    """What was asked, as it was asked then, with what was answered, in that order."""
    said = said_of(stored)
    order = sorted(said, key=lambda id_: (said[id_].get("place", 9), list(said).index(id_)))
    return [(said[id_].get("asked") or text(language, _OURS[said[id_]["kind"]], shop=shop), said[id_]) for id_ in order]


def read(
    questions: Sequence[Question], form: MultiDict[str, str], stored: Survey | None, language: str, shop: str
) -> Filled:
    """What the form says of these questions. What it does not hold stays as it was stored."""
    before, filled = said_of(stored), Filled()
    for place, question in enumerate(questions):
        frame = {"kind": question.kind, "asked": asked(question, language, shop), "place": place}
        if question.kind == TEXT:
            _read_text(question, form, frame, filled)
        elif question.kind == CHOICE:
            _read_choice(question, form, frame, language, filled)
        else:
            _read_score(question, form, frame, filled)
        answer = filled.given.get(question.id, before.get(question.id))
        if is_required(question, place) and not answer and not any(name == question.id for name, _ in filled.wrong):
            filled.wrong.append((question.id, _NEED.get(question.kind, "survey_need")))
    return filled


def _read_text(question: Question, form: MultiDict[str, str], frame: dict[str, Any], filled: Filled) -> None:
    if question.id not in form:
        return
    raw = form[question.id].replace("\r\n", "\n")
    words = kept_words(raw)
    filled.typed[question.id] = raw
    filled.given[question.id] = {**frame, "words": words} if words else None
    filled.cut = filled.cut or len(raw.strip()) > KEPT_WORDS
    if len(raw) > MAX_WORDS:
        filled.wrong.append((question.id, "survey_words_too_long"))


def _read_score(question: Question, form: MultiDict[str, str], frame: dict[str, Any], filled: Filled) -> None:
    raw = form.get(question.id, "").strip()
    if not raw:
        return
    value = small_number(raw, question.range()[0], question.range()[-1])
    if value is None:
        filled.wrong.append((question.id, _BAD[question.kind]))
    else:
        filled.given[question.id] = {**frame, "value": value}


def _read_choice(
    question: Question, form: MultiDict[str, str], frame: dict[str, Any], language: str, filled: Filled
) -> None:
    if question.id not in form and question.id + SHOWN not in form:
        return
    wanted = set(form.getlist(question.id))
    chosen = [{"id": one.id, "said": one.said(language)} for one in question.options if one.id in wanted]
    if not question.several:
        chosen = chosen[:1]
    other = kept_words(form.get(question.id + OTHER, "")[:MAX_OTHER]) if question.other else None
    answer = frame | {"chosen": chosen} | ({"other": other} if other else {})
    filled.given[question.id] = answer if chosen or other else None
