"""A shop's survey: what is asked, in which order and words. Plain values and their schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

SATISFACTION, RECOMMENDATION, CHOICE, TEXT = "satisfaction", "recommendation", "choice", "text"
KINDS = (SATISFACTION, RECOMMENDATION, CHOICE, TEXT)
WORDS = "words"  # the id of the main text question: its answer is the customer's words
LANGUAGES = ("en", "ko")
MOST_QUESTIONS, MOST_OPTIONS = 8, 12
MOST_TAPS = 5  # options of a choice that still fit a mail as buttons
_ID = re.compile(r"[a-z][a-z0-9]{0,19}", re.ASCII)
_FIRST = (
    "the first question is answered by one tap in the mail: a satisfaction, a recommendation, or a choice of one of "
    f"at most {MOST_TAPS}"
)
_SCORED = (SATISFACTION, RECOMMENDATION)  # asked once at most, and the id is the kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An answer to choose. `id`: stable, so that a new wording changes no answer. `wording`: by language."""

    id: str
    wording: dict[str, str]

    def said(self, language: str) -> str:
        return self.wording.get(language) or next(iter(self.wording.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `wording`: by language; none at all: Dasi's own words, for every kind but a choice.

    `several`: more than one option may be chosen. `other`: a reason not listed, in one's own words.
    """

    id: str
    kind: str
    wording: dict[str, str] = field(default_factory=dict)
    required: bool = False
    options: tuple[Option, ...] = ()
    several: bool = False
    other: bool = False

    def asked(self, language: str) -> str | None:
        """The merchant's words in the language, else in another one; None: ours."""
        return self.wording.get(language) or next(iter(self.wording.values()), None)

    @property
    def scored(self) -> bool:
        return self.kind in _SCORED

    def range(self) -> range:
        """The numbers that a scored question takes."""
        return range(1, 6) if self.kind == SATISFACTION else range(11)


DEFAULT_QUESTIONS = (
    Question(id=SATISFACTION, kind=SATISFACTION, required=True),
    Question(id=RECOMMENDATION, kind=RECOMMENDATION),
    Question(id=WORDS, kind=TEXT),
)


def _wording(limit: int) -> fields.Dict:
    line: list[Callable[[str], Any]] = [
        validate.Length(min=1, max=limit), validate.ContainsNoneOf("\r\n\0"), _not_blank,
    ]  # fmt: skip
    return fields.Dict(
        keys=fields.String(validate=validate.OneOf(LANGUAGES)), values=fields.String(validate=line)
    )


def _not_blank(value: str) -> None:
    if not value.strip():
        raise ValidationError("must not be blank")


class OptionSchema(Schema):
    id = fields.String(required=True, validate=validate.Regexp(_ID.pattern + r"\Z"))
    wording = _wording(100)

    class Meta:
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Option:
        return Option(id=data["id"], wording=data.get("wording", {}))


class QuestionSchema(Schema):
    id = fields.String(required=True, validate=validate.Regexp(_ID.pattern + r"\Z"))
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    wording = _wording(200)
    required = fields.Boolean()
    options = fields.List(fields.Nested(OptionSchema), validate=validate.Length(max=MOST_OPTIONS))
    several = fields.Boolean()
    other = fields.Boolean()

    class Meta:
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Question:
        question = Question(**{**data, "options": tuple(data.get("options", ()))})
        if wrong := _wrong(question):
            raise ValidationError(wrong)
        return question


class QuestionSetSchema(Schema):
    """{"questions": […]}: the whole survey, in the order in which it is asked. None at all: Dasi's own."""

    questions = fields.List(fields.Nested(QuestionSchema), required=True, validate=validate.Length(max=MOST_QUESTIONS))

    class Meta:
        unknown = RAISE

    @validates_schema(skip_on_field_errors=True)
    def _together(self, data: dict[str, Any], **_: Any) -> None:
        check_questions(data["questions"], "questions")


def check_questions(questions: Sequence[Question], field_name: str) -> None:
    """What holds of a set as a whole. Raises ValidationError, by the place of the question at fault."""
    seen: set[str] = set()
    wrong: dict[int, dict[str, list[str]]] = {}
    for place, question in enumerate(questions):
        if question.id in seen:
            wrong[place] = {"id": ["is another question's already"]}
        seen.add(question.id)
    if questions and not can_be_tapped(questions[0]):
        wrong[0] = {"kind": [_FIRST]}
    if wrong:
        raise ValidationError(wrong, field_name)


def can_be_tapped(question: Question) -> bool:
    """May the question come first? Its answer is one tap in the mail."""
    if question.kind == CHOICE:
        return not question.several and 2 <= len(question.options) <= MOST_TAPS
    return question.kind in _SCORED


def _wrong(question: Question) -> dict[str, list[str]]:
    if question.kind != CHOICE:
        if question.options or question.several or question.other:
            return {"options": ["only a choice has options"]}
        if question.kind in _SCORED and question.id != question.kind:
            return {"id": [f"of this kind of question it is {question.kind}"]}
        if question.kind == TEXT and question.id in _SCORED:
            return {"id": ["is kept for the question of that kind"]}
        return {}
    if question.id in (*_SCORED, WORDS):
        return {"id": ["is kept for the question of that kind"]}
    if not question.wording:
        return {"wording": ["a choice needs its words in one language at least"]}
    if len(question.options) + question.other < 2:
        return {"options": ["a choice needs two answers at least"]}
    if len({option.id for option in question.options}) < len(question.options):
        return {"options": ["two options have the same id"]}
    if not all(option.wording for option in question.options):
        return {"options": ["every option needs its words in one language at least"]}
    return {}
