"""The Liquid that merchants write: what is refused with a line, and what is rendered safely."""

from __future__ import annotations

import pytest

from plugin.content.merchant_liquid import MAX_SOURCE, VARIABLES, check, opening_of, subject_of

GROWING = "{{ 'a' | replace: 'a', 'bbbbbbbbbb'" + " | replace: 'b', 'bbbbbbbbbb'" * 40 + " }}"
DOUBLING = "{% assign a = 'xxxxxxxx' %}{% for i in (1..100) %}{% assign a = a | append: a %}{% endfor %}{{ a }}"
NESTED_LOOPS = "{% for i in (1..100) %}{% for j in (1..100) %}x{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "Thank you!",
        "Hi {{ name }}, about {{ order_name }}",
        "{% if total %}{{ total }}{% else %}–{% endif %}",
        "{% for title in titles %}{{ title | upcase }} {% endfor %}",
        "{% assign first = titles | first %}{{ first | default: 'your order' }}",
        "{% case shop_name %}{% when 'x' %}y{% endcase %}{% comment %} no {% endcomment %}",
        "100% & <b>bold</b>",
    ],
)
def test_good_sources_pass(source: str) -> None:
    assert check(source) == []


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("Hi {{ nmae }}", 1, "nmae"),
        ("a\nb {{ name | shout }}", 2, "shout"),
        ("a\n\n{% if %}x{% endif %}", 3, "expression"),
        ("{% if name %}", 1, ""),
        ("a\n{{ name", 2, ""),
        ("a\n{{ name\n\nb", 2, ""),
        ("a\n{% if name %}\n{% if total %}x{% endif %}\n\n", 2, "endif"),
        ("a\n{% case name %}\n{% when 'x' %}\n", 2, ""),
        ("\n{% include 'secrets' %}", 2, "include"),
        ("{% render 'secrets' %}", 1, "render"),
        ("{% tablerow x in titles %}{% endtablerow %}", 1, "tablerow"),
        ("{{ titles | join: ', ' }}", 1, "join"),
        ("{{ name | safe }}", 1, "safe"),
        (GROWING, 1, "20,000"),
        (DOUBLING, 1, "20,000"),
        (NESTED_LOOPS, 1, "loop"),
        ("{% for i in (1..1000000000) %}x{% endfor %}", 1, "loop"),
        ("{% if name %}" * 12 + "x" + "{% endif %}" * 12, 1, "nesting"),
        ("x" * (MAX_SOURCE + 1), 1, "longer"),
    ],
)
def test_bad_sources_are_refused_with_their_line(source: str, line: int, words: str) -> None:
    errors = check(source)
    assert errors
    assert errors[0].line == line
    assert words in errors[0].message


def test_every_mistake_is_told() -> None:
    assert [error.line for error in check("{{ a }}\n{{ b }}\n{{ name | c }}")] == [1, 2, 3]


@pytest.mark.parametrize(
    "source", ["{% if %}", "{{ name | shout }}", GROWING, DOUBLING, NESTED_LOOPS, "  ", "{{ gone }}"]
)
def test_what_fails_or_says_nothing_gives_none(source: str) -> None:
    assert subject_of(source, VARIABLES) is None
    assert opening_of(source, VARIABLES) is None


def test_a_subject_is_one_line_of_plain_text() -> None:
    values = {"name": "Ann\r\nBcc: x@y.example", "order_name": "<b>#1</b>"}
    assert subject_of("Hi {{ name }}\r\nX: {{ order_name }}", values) == "Hi Ann Bcc: x@y.example X: <b>#1</b>"


def test_an_opening_keeps_plain_formatting_and_loses_the_rest() -> None:
    source = (
        "<p style='x' onclick='y'>Hello <strong>{{ name }}</strong></p><script>alert(1)</script>"
        "<img src=x onerror=y><a href='javascript:x'>bad</a> <a href='https://shop.example/a' target=_top>good</a>"
    )
    opening = opening_of(source, {"name": "<i>Ann</i> & Bo"})
    assert opening is not None
    safe, text = opening
    assert "<p>Hello <strong>&lt;i&gt;Ann&lt;/i&gt; &amp; Bo</strong></p>" in safe
    assert '<a href="https://shop.example/a">good</a>' in safe
    for gone in ("script", "alert", "img", "onerror", "onclick", "style", "javascript", "target"):
        assert gone not in safe
    assert text.startswith("Hello <i>Ann</i> & Bo\n")
    assert "https://shop.example/a" in text.split("\n")


def test_an_opening_typed_as_plain_text_keeps_its_lines() -> None:
    opening = opening_of("One\r\ntwo", {})
    assert opening == ("One<br>two", "One\ntwo")


def test_lists_read_well_as_text() -> None:
    opening = opening_of("<p>Two things:</p><ul><li>one</li><li>two</li></ul>", {})
    assert opening is not None
    assert opening[1] == "Two things:\n\n- one\n- two"
