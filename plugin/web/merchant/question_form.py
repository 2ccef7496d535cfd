"""The survey editor's form: a question set as flat fields, what its buttons do to it, and what is wrong with it.

Nothing is kept between two requests: the form holds the whole draft, so that every button works without a script.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError

from schemas.survey import (
    CHOICE,
    DEFAULT_QUESTIONS,
    KINDS,
    LANGUAGES,
    MOST_OPTIONS,
    MOST_QUESTIONS,
    RECOMMENDATION,
    SATISFACTION,
    TEXT,
    WORDS,
    Question,
    QuestionSetSchema,
)

Draft = list[dict[str, Any]]  # questions as their schema has them; wordings may be blank
_SCHEMA = QuestionSetSchema()
_CODES = {"kind": "first", "id": "twice", "wording": "wording", "options": "options"}
_LONGEST = 1000  # characters of a field that are looked at


def draft_of(questions: Sequence[Question]) -> Draft:
    draft: Draft = _SCHEMA.dump({"questions": questions})["questions"]
    return draft


def read(form: Mapping[str, str]) -> Draft:
    """The form's questions in their order; a field that is none of a question's is passed over."""
    draft: Draft = []
    for place in range(MOST_QUESTIONS):
        kind, name = form.get(f"q{place}.kind", ""), f"q{place}"
        if kind in KINDS:
            draft.append({
                "id": form.get(f"{name}.id", "")[:20], "kind": kind, "wording": _wording(form, name),
                "required": not draft or f"{name}.required" in form,
                "several": kind == CHOICE and f"{name}.several" in form,
                "other": kind == CHOICE and f"{name}.other" in form,
                "options": _options(form, name) if kind == CHOICE else [],
            })  # fmt: skip
    return draft


def act(draft: Draft, action: str, kind: str) -> Draft:
    """What a button makes of the draft: `add` (a question of `kind`), `up:2`, `down:2`, `drop:2`, `option:2`,
    `drop_option:2:1`, `default`. What makes no sense changes nothing."""
    name, _, where = action.partition(":")
    place, _, inner = where.partition(":")
    at = int(place) if place.isascii() and place.isdecimal() and int(place[:3]) < len(draft) else None
    if name == "default":
        return draft_of(DEFAULT_QUESTIONS)
    if name == "add" and kind in kinds_to_add(draft):
        return [*draft, new_question(draft, kind)]
    if at is None:
        return draft
    if name in ("up", "down"):
        return _moved(draft, at, -1 if name == "up" else 1)
    if name == "drop":
        return draft[:at] + draft[at + 1 :]
    options = draft[at]["options"]
    if name == "option" and draft[at]["kind"] == CHOICE and len(options) < MOST_OPTIONS:
        return _with_options(draft, at, [*options, _new_option()])
    if name == "drop_option" and inner.isascii() and inner.isdecimal():
        return _with_options(draft, at, [one for number, one in enumerate(options) if number != int(inner[:3])])
    return draft


def kinds_to_add(draft: Draft) -> list[str]:
    """Scores are asked for once; there is room for eight questions."""
    asked = {question["kind"] for question in draft} & {SATISFACTION, RECOMMENDATION}
    return [kind for kind in KINDS if kind not in asked] if len(draft) < MOST_QUESTIONS else []


def new_question(draft: Draft, kind: str) -> dict[str, Any]:
    """A question with an id that no other has or had: answers to a dropped question are never taken for its own."""
    id_ = f"q{secrets.token_hex(4)}"
    if kind in (SATISFACTION, RECOMMENDATION):
        id_ = kind
    elif kind == TEXT and all(question["id"] != WORDS for question in draft):
        id_ = WORDS
    options = [_new_option(), _new_option()] if kind == CHOICE else []
    return {"id": id_, "kind": kind, "wording": {}, "required": False, "several": False, "other": kind == CHOICE,
            "options": options}  # fmt: skip


def check(draft: Draft) -> tuple[tuple[Question, ...] | None, dict[int, list[str]]]:
    """The questions, or by the place of each question at fault the codes of what is wrong (-1: the set as a whole)."""
    told = [_without_blanks(question) for question in draft]
    if not told:
        return None, {-1: ["none"]}
    try:
        return tuple(_SCHEMA.load({"questions": told})["questions"]), {}
    except ValidationError as exc:
        wrong = exc.messages_dict["questions"]
    if not isinstance(wrong, dict):
        return None, {-1: ["other"]}
    found: dict[int, list[str]] = {}
    for place, parts in wrong.items():
        names = parts if isinstance(parts, dict) else {}
        found[int(place)] = sorted({_code(str(name), draft[int(place)]) for name in names}) or ["other"]
    return None, found


def _code(name: str, question: dict[str, Any]) -> str:
    code = _CODES.get(name, "other")
    too_long = any(len(text) > 200 or "\n" in text for text in question["wording"].values())
    return "long" if code == "wording" and too_long else code


def _wording(form: Mapping[str, str], name: str) -> dict[str, str]:
    return {language: form.get(f"{name}.{language}", "")[:_LONGEST].strip() for language in LANGUAGES}


def _options(form: Mapping[str, str], name: str) -> list[dict[str, Any]]:
    found = []
    for number in range(MOST_OPTIONS):
        if id_ := form.get(f"{name}.o{number}.id", "")[:20]:
            found.append({"id": id_, "wording": _wording(form, f"{name}.o{number}")})
    return found


def _new_option() -> dict[str, Any]:
    return {"id": f"o{secrets.token_hex(3)}", "wording": {}}


def _with_options(draft: Draft, at: int, options: list[dict[str, Any]]) -> Draft:
    return [{**question, "options": options} if place == at else question for place, question in enumerate(draft)]


def _moved(draft: Draft, at: int, by: int) -> Draft:
    moved, to = list(draft), at + by
    if 0 <= to < len(draft):
        moved[at], moved[to] = moved[to], moved[at]
    return moved


def _without_blanks(question: dict[str, Any]) -> dict[str, Any]:
    """Blank wordings are none, and an option without a word is none either."""
    options = [{**one, "wording": _said(one["wording"])} for one in question["options"]]
    return {**question, "wording": _said(question["wording"]), "options": [one for one in options if one["wording"]]}


def _said(wording: dict[str, str]) -> dict[str, str]:
    return {language: text for language, text in wording.items() if text}
