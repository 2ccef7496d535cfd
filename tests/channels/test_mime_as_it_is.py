"""Which parts of a message go out as they are, and which are encoded."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from plugin.channels.email.mime import build
from plugin.content.preview import samples
from plugin.content.render import render
from tests.channels.test_mime import PLAIN, assert_sound, bodies

FILL = "<td>Thank you for your order.</td>\n" * 40
PAGE = f"<!doctype html>\n<style>p {{ color: red }}</style>\n{FILL}"


def encodings(data: bytes) -> list[bytes]:
    return re.findall(rb"Content-Transfer-Encoding: (\S+)", data)


def test_short_lines_of_ascii_need_no_encoding() -> None:
    data = build(replace(PLAIN, text="Hello,\n\nFrom us.\n.\n", html=PAGE))
    assert encodings(data) == [b"7bit", b"7bit"]
    assert PAGE.replace("\n", "\r\n").encode() in data
    assert_sound(data)


def test_a_few_other_letters_of_a_page_are_written_as_references() -> None:
    html = PAGE + "<p>Grüße – “5 × tea” \U0001f375</p>\n"
    data = build(replace(PLAIN, html=html))
    assert encodings(data)[1] == b"7bit"
    assert b"Gr&#252;&#223;e" in data
    assert unescape(bodies(assert_sound(data))[1]) == html.rstrip("\n")


@pytest.mark.parametrize(
    "html",
    [
        PAGE.replace("red", "red; content: '→'"),  # references mean nothing in a style sheet
        PAGE + "감사합니다" * 100,
        FILL + "é",  # no whole page
        PAGE + "x" * 999,
        PAGE + "blank at the end \n",
        PAGE + "tab at the end\t\n",
        PAGE + "control \x0b character\n",
    ],
)
def test_what_would_not_come_through_is_encoded(html: str) -> None:
    data = build(replace(PLAIN, html=html))
    assert encodings(data)[1] != b"7bit"
    assert bodies(assert_sound(data))[1].rstrip("\n") == html.rstrip("\n")


def test_a_text_never_holds_references() -> None:
    data = build(replace(PLAIN, text="Grüße\n" + "Thank you.\n" * 50))
    assert encodings(data)[0] == b"quoted-printable"
    assert bodies(assert_sound(data))[0].startswith("Grüße")


def test_our_own_pages_in_english_go_as_they_are() -> None:
    for name, view in samples().items():
        rendered = render(view)
        data = build(replace(PLAIN, text=rendered.text, html=rendered.html))
        assert_sound(data)
        assert (encodings(data)[1] == b"7bit") is name.endswith(".en"), name
