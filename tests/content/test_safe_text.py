"""Foreign text and links, and the colours of buttons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.content.colours import DEFAULT_COLOUR, button_colours, contrast
from plugin.content.safe_text import (
    MAX_URL,
    block,
    mail_href,
    one_line,
    phone_href,
    safe_url,
    subject_line,
    with_query,
)
from plugin.content.wrapping import WIDTH, columns, wrapped


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("Oak board", "Oak board"),
        ("  two\r\n lines\tand a tab ", "two lines and a tab"),
        ("nul\x00 and del\x7f", "nul and del"),
        ("line\u2028separator", "line separator"),
        ("lone \ud800surrogate", "lone surrogate"),
        ("שלום", "\u2068שלום\u2069"),
        ("\u202egnp.exe", "gnp.exe"),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family"),
        ("x" * 300, "x" * 199 + "…"),
        (" \n ", None),
        ("", None),
        (None, None),
    ],
)
def test_one_line(given_text: str | None, kept: str | None) -> None:
    assert one_line(given_text) == kept


@given(st.text())
def test_one_line_is_one_line_and_balanced(text: str) -> None:
    kept = one_line(text) or ""
    assert len(kept.splitlines()) <= 1
    assert kept.encode() is not None
    assert kept.count("\u2068") == kept.count("\u2069") <= 1


def test_a_cut_subject_closes_its_isolates() -> None:
    subject = subject_line("Hello " + "\u2068" + "ש" * 300 + "\u2069")
    assert subject is not None
    assert subject.endswith("…\u2069")


def test_a_block_keeps_its_lines() -> None:
    assert block("a\r\nb\rc\x00") == "a\nb\nc "


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://shop.example/a?b=1&c=2#d", "https://shop.example/a?b=1&c=2#d"),
        ("HTTP://shop.example", "http://shop.example"),
        (" https://shop.example/ ", "https://shop.example/"),
        ("https://shop.example/상품", "https://shop.example/%EC%83%81%ED%92%88"),
        ("https://쇼핑.example/", "https://xn--hp4bo76a.example/"),
        ('https://shop.example/"><script>', "https://shop.example/%22%3E%3Cscript%3E"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//shop.example/x", None),
        ("/relative", None),
        ("https://", None),
        ("https://user:pass@shop.example/", None),
        ("https://shop.example/a b", None),
        ("https://shop.example/\r\nBcc:", None),
        ("https://[broken/", None),
        ("https://shop.example:notaport/", None),
        ("https://shop.example/" + "x" * MAX_URL, None),
        ("", None),
        (None, None),
    ],
)
def test_only_web_addresses_pass(url: str | None, kept: str | None) -> None:
    assert safe_url(url) == kept


@given(st.text())
def test_no_address_breaks_an_attribute_or_a_line(text: str) -> None:
    url = safe_url("https://shop.example/" + text)
    assert url is None or (url.isascii() and not set(url) & set('"<> \r\n') and len(url) <= MAX_URL)


def test_links_are_built_safely() -> None:
    assert with_query("https://a.example/s/x", "score=4") == "https://a.example/s/x?score=4"
    assert with_query("https://a.example/s/x?a=1#top", "score=4") == "https://a.example/s/x?a=1&score=4#top"
    assert phone_href("+82 2-555-0134") == "tel:+8225550134"
    assert phone_href("call us") is None
    assert mail_href("a@b.example", subject="No more") == "mailto:a@b.example?subject=No%20more"
    assert mail_href('a"><b@b.example?bcc=x') == "mailto:a%22%3E%3Cb@b.example%3Fbcc%3Dx"


@given(st.integers(0, 0xFFFFFF))
def test_the_text_on_a_button_can_be_read(colour: int) -> None:
    background, text = button_colours(f"#{colour:06x}")
    assert contrast(background, text) >= 4.5


@pytest.mark.parametrize("colour", [None, "", "red", "#12345", "#1f5f5b;background:url(x)", "#1f5f5b\n"])
def test_no_colour_gives_the_default(colour: str | None) -> None:
    assert button_colours(colour)[0] == DEFAULT_COLOUR


def test_a_short_colour_is_spelled_out() -> None:
    assert button_colours("#FA0") == ("#ffaa00", "#000000")


def test_wrapping_breaks_at_words_and_leaves_addresses_whole() -> None:
    address = "https://shop.example/" + "a" * 200
    text = wrapped("word " * 40 + f"\n\n\n\n{address}\n- " + "item " * 30 + "\n" + "가나다라 " * 30)
    lines = text.split("\n")
    assert address in lines
    assert all(columns(line) <= WIDTH for line in lines if line != address)
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    item = lines.index(next(line for line in lines if line.startswith("- ")))
    assert lines[item + 1].startswith("  item")


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))))
def test_no_line_is_too_long_for_a_mail_server(text: str) -> None:
    assert all(len(line.encode()) <= 998 for line in wrapped(text * 60).split("\n"))
