"""The templates: one MJML and one plain-text file for each step, put together with a language's words, compiled once.

A file may hold `[[words]]` (from `locales/`, the step's own or the common ones) and `[[>part]]` (another file). MJML is
compiled before the words come in and with every piece of Liquid replaced by a neutral token, because to an MJML parser
`{% if a < b %}` is broken markup and a quote inside an attribute ends it. What comes out is a Liquid template.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from liquid import BoundTemplate, Environment, StrictUndefined
from mjml import mjml2html

from plugin.content.compiled import Render, compiled

STEPS = (
    "thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up", "you_told_us", "survey_reward"
)  # fmt: skip
LANGUAGES = ("en", "ko")

_HERE = Path(__file__).parent
_PART = re.compile(r"\[\[>(\w+)\]\]")
_WORDS = re.compile(r"\[\[(\w+)\]\]")
_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\[\[\w+\]\]", re.DOTALL)
_BETWEEN_CELLS = re.compile(r"(</?(?:table|tbody|tr|td)\b[^<>]*>)(?=<)")
_TAGS_ONLY = re.compile(r"^[ \t]*((?:\{%(?:[^%]|%(?!\}))*%\}[ \t]*)+)\n", re.MULTILINE)


class _MessageEnvironment(Environment):
    """Our own templates: whatever a payload holds, a message stays within these."""

    loop_iteration_limit = 2_000
    local_namespace_limit = 100_000
    output_stream_limit = 400_000


@dataclass(frozen=True, slots=True)
class StepTemplates:
    """What a message of one step in one language is rendered from."""

    subject: Render
    html: Render
    text: Render


@lru_cache(maxsize=len(STEPS) * len(LANGUAGES))
def step_templates(step: str, language: str) -> StepTemplates:
    """The compiled templates of a step. KeyError for a step or a language that there is not."""
    return StepTemplates(**{part: compiled(template) for part, template in parsed_templates(step, language).items()})


def parsed_templates(step: str, language: str) -> dict[str, BoundTemplate]:
    """The same as python-liquid reads them: `subject`, `html` and `text`."""
    if step not in STEPS or language not in LANGUAGES:
        raise KeyError(f"no message {step!r} in {language!r}")
    words = _step_words(step, language)
    plain, escaped = _environments()
    return {
        "subject": plain.from_string(words["subject"], name=f"{step}.subject"),
        "html": escaped.from_string(_with_words(_compiled_html(step), words), name=f"{step}.html"),
        "text": plain.from_string(_with_words(_text_source(step), words), name=f"{step}.txt"),
    }


@lru_cache(maxsize=len(LANGUAGES))
def words_of(language: str) -> dict[str, dict[str, str]]:
    """The words of a language: section (a step, or `common`) -> key -> Liquid without markup."""
    with (_HERE / "locales" / f"{language}.toml").open("rb") as file:
        sections: dict[str, dict[str, str]] = tomllib.load(file)
    return sections


def _step_words(step: str, language: str) -> dict[str, str]:
    sections = words_of(language)
    return {key: text.strip() for key, text in (sections["common"] | sections[step]).items()}


def _with_words(source: str, words: dict[str, str]) -> str:
    return _WORDS.sub(lambda found: words[found.group(1)], source)


@lru_cache(maxsize=1)
def _environments() -> tuple[Environment, Environment]:
    """(for text and subjects, for HTML). A name that a template reads and nobody gives is a mistake, and raises."""
    return (
        _MessageEnvironment(undefined=StrictUndefined),
        _MessageEnvironment(undefined=StrictUndefined, autoescape=True),
    )


@lru_cache(maxsize=len(STEPS))
def _compiled_html(step: str) -> str:
    return compile_mjml(_assembled("layout", "mjml", step))


def compile_mjml(source: str) -> str:
    """MJML with Liquid in it -> HTML with the same Liquid in it. ValueError when it is not MJML."""
    pieces: list[str] = []

    def hide(found: re.Match[str]) -> str:
        pieces.append(found.group())
        return f"LQ{len(pieces) - 1}QL"

    compiled: str = mjml2html(_LIQUID.sub(hide, source), fonts={}, include_loader=_refuse_include)
    # Tables are layout; `mj-table` is the one element that does not say so to a screen reader.
    compiled = re.sub(r"<table (?![^>]*\brole=)", '<table role="presentation" ', compiled)
    # Comments for Outlook stay; the blanks that MJML's own style sheets and our indentation carry go.
    compact = re.sub(r"\s*\n\s*", "\n", compiled)
    # Blanks between a table's parts show nowhere, and with lines short enough for SMTP a page goes out as it is.
    compact = _BETWEEN_CELLS.sub(r"\1\n", compact)
    return re.sub(r"LQ(\d+)QL", lambda found: pieces[int(found.group(1))], compact)


def _refuse_include(path: str) -> Any:
    raise ValueError("templates include nothing")


def _text_source(step: str) -> str:
    # A line that holds nothing but tags is not a line of the message.
    return _TAGS_ONLY.sub(r"\1", _assembled("layout", "txt", step))


def _assembled(name: str, kind: str, step: str) -> str:
    source = (_HERE / "templates" / f"{name}.{kind}").read_text(encoding="utf-8")
    return _PART.sub(lambda found: _assembled(step if found.group(1) == "body" else found.group(1), kind, step), source)
