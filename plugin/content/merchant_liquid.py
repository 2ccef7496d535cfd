"""The Liquid that merchants write: checked when they save it, rendered with limits when a message leaves.

It may print a few named values, branch and loop, and nothing else: no filter here can make a long text out of a short
one without a bound, and no tag can load another template. HTML in an opening block is reduced to plain formatting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import nh3
from liquid import BoundTemplate, Environment
from liquid.exceptions import FilterArgumentError, LiquidError

from plugin.content.safe_text import block, safe_url, subject_line

MAX_SOURCE = 10_000  # characters
_MAX_VALUE = 20_000  # characters that one filter may give
_MAX_WORK = 2_000_000  # text length × replacement length: what a `replace` of every letter would make

# What a merchant may print. The settings page lists these names; the values are plain text.
VARIABLES = {
    "name": "Anna",
    "first_name": "Anna",
    "last_name": "Berg",
    "order_name": "#1001",
    "order_date": "Tue 3 November 2026",
    "total": "$48.00",
    "delivery_window": "between Tue 10 and Fri 13 November",
    "enjoyed": "Linen apron",
    "shop_name": "Juniper & Oak",
    "shop_url": "https://shop.example/",
    "status_url": "https://shop.example/orders/1001",
    "titles": ["Linen apron", "Oak board"],
}
# fmt: off
FILTERS = (
    "append", "capitalize", "default", "downcase", "escape", "escape_once", "first", "last", "lstrip", "minus",
    "newline_to_br", "plus", "prepend", "remove", "replace", "rstrip", "size", "slice", "strip", "strip_html",
    "strip_newlines", "times", "truncate", "truncatewords", "upcase", "url_encode",
)
_TAGS = ("#", "assign", "break", "capture", "case", "comment", "continue", "doc", "echo", "for", "if", "unless")
# fmt: on
_PARSER_TAGS = ("content", "output", "illegal")  # what plain text, `{{ }}` and an unknown tag are to the parser

_HTML_TAGS = {"a", "b", "br", "em", "i", "li", "ol", "p", "strong", "u", "ul"}
_TAG = re.compile(r"\{%-?\s*(\w+)")
_MISSING_TAG = re.compile(r"expected tag end(\w+), found end of")
_MISSING_BRACES = re.compile(r"expected '(\}\}|%\})', found end of file")
_BLOCK = re.compile(r"<(?:p|br|ul|ol|li)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TemplateError:
    """One thing wrong with a merchant's Liquid, in plain words. `line` counts from 1."""

    line: int
    message: str


class _MerchantEnvironment(Environment):
    block_nesting_limit = 10
    context_depth_limit = 10
    loop_iteration_limit = 200
    local_namespace_limit = 100_000
    output_stream_limit = 50_000


def check(source: str) -> list[TemplateError]:
    """What is wrong with a subject or an opening block; an empty list when it can be saved.

    Syntax, unknown names, filters and tags, limits, and whatever goes wrong with sample values and with no values.
    """
    if len(source) > MAX_SOURCE:
        return [TemplateError(1, f"longer than {MAX_SOURCE:,} characters")]
    try:
        template = _environment().from_string(source)
        analysis = template.analyze(include_partials=False)
    except LiquidError as error:
        return [_told(error, source)]
    unknown: list[tuple[str, str, Mapping[str, list[Any]]]] = [
        ("name", "names: " + ", ".join(VARIABLES), {k: v for k, v in analysis.globals.items() if k not in VARIABLES}),
        ("filter", "filters: " + ", ".join(FILTERS), {k: v for k, v in analysis.filters.items() if k not in FILTERS}),
    ]
    errors = [
        TemplateError(_span(place).line_col(source)[0], f"unknown {kind} “{word}”; there are these {known}")
        for kind, known, found in unknown
        for word, places in found.items()
        for place in places
    ]
    if not errors:
        for values in (VARIABLES, {}):
            try:
                template.render(**values)
            except (LiquidError, ArithmeticError, TypeError, ValueError, RecursionError) as error:
                return [_told(error, source)]
    return sorted(errors, key=lambda error: error.line)


def _span(place: Any) -> Any:
    return getattr(place, "span", place)  # a variable has a span, a filter's place is one


def _told(error: Exception, source: str) -> TemplateError:
    place = error.context() if isinstance(error, LiquidError) and error.token is not None else None
    message = str(getattr(error, "message", "") or error) or "cannot be rendered"
    return TemplateError(_left_open(message, source) or (place[0] if place else 1), message)


def _left_open(message: str, source: str) -> int | None:
    """The line of the tag or the braces that nothing closes: the parser only knows that the text ended."""
    if (wanted := _MISSING_TAG.match(message)) or message == "unexpected tag 'end of expression'":
        name, begun = wanted[1] if wanted else "case", list[int]()
        for tag in _TAG.finditer(source):
            if tag[1] == name:
                begun.append(tag.start())
            elif tag[1] == f"end{name}" and begun:
                begun.pop()
    elif wanted := _MISSING_BRACES.match(message):
        begun = [source.rfind("{{" if wanted[1] == "}}" else "{%")]
    else:
        return None
    return source.count("\n", 0, begun[-1]) + 1 if begun and begun[-1] >= 0 else None


def subject_of(source: str, values: Mapping[str, object]) -> str | None:
    """The merchant's subject on one line; None when it fails or is blank, so that the default stands."""
    rendered = _rendered(source, values, html_escaped=False)
    return None if rendered is None else subject_line(rendered)


def opening_of(source: str, values: Mapping[str, object]) -> tuple[str, str] | None:
    """The merchant's opening block as (safe HTML, plain text); None when it fails or is blank."""
    rendered = _rendered(source, values, html_escaped=True)
    if rendered is None:
        return None
    rendered = block(rendered).strip()
    if not _BLOCK.search(rendered):
        rendered = rendered.replace("\n", "<br>")  # typed as plain text: its lines are meant
    safe = nh3.clean(
        rendered,
        tags=_HTML_TAGS,
        attributes={"a": {"href"}},
        attribute_filter=_only_web_addresses,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    text = _plain(safe)
    return (safe, text) if text else None


def _only_web_addresses(_tag: str, _attribute: str, value: str) -> str | None:
    return value if value.startswith(("mailto:", "tel:")) else safe_url(value)


def _rendered(source: str, values: Mapping[str, object], *, html_escaped: bool) -> str | None:
    try:
        return parsed(source, html_escaped).render(**values)
    except (LiquidError, ArithmeticError, TypeError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=512)
def parsed(source: str, html_escaped: bool) -> BoundTemplate:
    """A merchant's template, parsed once. LiquidError when it cannot be."""
    if len(source) > MAX_SOURCE:
        raise LiquidError("too long", token=None)
    return _environment(html_escaped).from_string(source)


@lru_cache(maxsize=2)
def _environment(html_escaped: bool = False) -> Environment:
    environment = _MerchantEnvironment(autoescape=html_escaped)
    environment.filters = {name: _bounded(environment.filters[name]) for name in FILTERS}
    environment.tags = {name: environment.tags[name] for name in (*_PARSER_TAGS, *_TAGS)}
    return environment


def _bounded(made: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that refuses to give a text or a number too long: a chain of `replace` would otherwise grow for ever."""

    def bounded(*args: Any, **kwargs: Any) -> Any:
        if math.prod(max(1, len(arg)) for arg in (*args[:1], *args[2:]) if isinstance(arg, str)) > _MAX_WORK:
            raise FilterArgumentError("has too much text to work on", token=None)
        value = made(*args, **kwargs)
        if isinstance(value, str) and len(value) > _MAX_VALUE:
            raise FilterArgumentError(f"gives more than {_MAX_VALUE:,} characters", token=None)
        if isinstance(value, int) and abs(value) > 10**18:
            raise FilterArgumentError("gives a number too large", token=None)
        return value

    for mark in ("with_context", "with_environment", "filter_async"):
        if hasattr(made, mark):
            setattr(bounded, mark, getattr(made, mark))
    return bounded


class _PlainText(HTMLParser):
    """Reads cleaned HTML as text: breaks and list items on lines of their own, a link's address after its words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._href: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("p", "ul", "ol"):
            self.pieces.append("\n\n")
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "li":
            self.pieces.append("\n- ")
        elif tag == "a":
            self._href = dict(attrs).get("href")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "ul", "ol"):
            self.pieces.append("\n\n")
        elif tag == "a" and self._href:
            self.pieces.append(f"\n{self._href}\n")
            self._href = None

    def handle_data(self, data: str) -> None:
        self.pieces.append(re.sub(r"\s+", " ", data))


def _plain(safe_html: str) -> str:
    parser = _PlainText()
    parser.feed(safe_html)
    parser.close()
    lines = [line.strip() for line in "".join(parser.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
