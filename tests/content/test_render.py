"""Every message of every step, variant and language: complete, valid, safe and small."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from plugin.content.merchant_liquid import parsed
from plugin.content.model import LineView, Links, MessageView, ParcelView, ProductView, Rendered
from plugin.content.preview import samples, write
from plugin.content.render import render
from plugin.content.templates import LANGUAGES, STEPS, step_templates
from schemas.events import Money

SAMPLES = samples()
VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(HTMLParser):
    """What a reader has before them: the visible text, the links with their words, the images; and broken nesting."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.links: dict[str, str] = {}
        self.images: list[dict[str, str | None]] = []
        self.tables: list[dict[str, str | None]] = []
        self.lang: str | None = None
        self.feed(html)
        self.close()
        assert self.open == [], self.open

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.lang = given.get("lang")
        if tag == "a":
            self._href = given.get("href") or ""
            self.links[self._href] = ""
        if tag == "img":
            self.images.append(given)
        if tag == "table":
            self.tables.append(given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "title" not in self.open:
            self.texts.append(data)
            if "a" in self.open:
                self.links[self._href] += data


def _view(name: str, **changes: object) -> MessageView:
    return replace(SAMPLES[name], **changes)  # type: ignore[arg-type]


def _both(rendered: Rendered) -> tuple[str, str]:
    return Page(rendered.html).text, " ".join(rendered.text.split())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_message_is_whole_and_small(name: str) -> None:
    view = SAMPLES[name]
    message = render(view)
    page = Page(message.html)
    assert page.lang == name.rsplit(".", maxsplit=1)[1]
    assert len(message.html.encode()) < 60_000
    assert 5 < len(message.subject) < 80
    assert not re.search(r"\{\{|\}\}|\{%|%\}|\[\[|\]\]|LQ\d", message.html + message.text + message.subject)
    assert "None" not in message.text
    assert "prefers-color-scheme: dark" in message.html
    assert 'name="color-scheme" content="light dark"' in message.html
    assert all(image.get("alt") is not None for image in page.images)
    assert all(table.get("role") == "presentation" for table in page.tables)
    assert all(href.startswith(("https://", "mailto:", "tel:")) for href in page.links)
    assert all(words.strip() for href, words in page.links.items() if "/c/sample" not in href)
    assert message.text.endswith("\n")
    assert "<" not in message.text
    assert "\r" not in message.text
    assert all(len(line.encode()) <= 998 for line in message.text.split("\n"))


@pytest.mark.parametrize("name", SAMPLES)
def test_links_of_the_text_stand_alone_on_their_lines(name: str) -> None:
    for line in render(SAMPLES[name]).text.split("\n"):
        assert "http" not in line or re.fullmatch(r"https?://\S+", line)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_message_carries_the_service_block(name: str) -> None:
    view = SAMPLES[name]
    message = render(view)
    page = Page(message.html)
    reply, phone, help_page = {
        "en": ("Reply to this email", "Phone", "Help page"),
        "ko": ("이 메일에 회신", "전화", "도움말"),
    }[name.rsplit(".", maxsplit=1)[1]]
    assert view.shop.support_phone
    for words in _both(message):
        assert f"{reply}: {view.shop.support_email}" in words
        assert f"{phone}: {view.shop.support_phone} ({view.shop.support_hours})" in words
        assert f"{help_page}:" in words
    assert f"mailto:{view.shop.support_email}" in page.links
    assert any(href.startswith("tel:") for href in page.links)
    assert view.shop.help_url in page.links
    assert view.shop.help_url in message.text.split("\n")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shop_without_phone_and_help_page_is_reached_by_reply(step: str, language: str) -> None:
    view = SAMPLES[f"{step}.{language}"]
    shop = replace(view.shop, support_phone=None, support_hours=None, help_url=None)
    message = render(replace(view, shop=shop))
    for words in _both(message):
        assert view.shop.support_email in words
        assert ("Phone" if language == "en" else "전화") not in words
        assert ("Help page" if language == "en" else "도움말") not in words


@pytest.mark.parametrize("name", [name for name, view in SAMPLES.items() if view.step.startswith("cross_sell")])
def test_marketing_says_who_sends_it_and_how_to_stop_it(name: str) -> None:
    view = SAMPLES[name]
    message = render(view)
    assert view.shop.legal_name
    assert view.shop.postal_address
    for words in _both(message):
        assert view.shop.legal_name in words
        assert all(line in words for line in view.shop.postal_address.split("\n"))
    assert view.links.unsubscribe in Page(message.html).links
    assert view.links.unsubscribe in message.text.split("\n")


@pytest.mark.parametrize("name", [name for name, view in SAMPLES.items() if name.endswith(".ko")])
def test_korean_advertising_is_marked_and_ends_for_free(name: str) -> None:
    view = SAMPLES[name]
    message = render(view)
    assert message.subject.startswith("(광고) ") == view.marketing
    for words in _both(message):
        assert ("무료 수신거부" in words) == view.marketing
        assert ("free of charge" in words) == view.marketing
        if view.marketing:
            assert f"연락처: {view.shop.support_email} · {view.shop.support_phone}" in words


def test_an_own_korean_subject_is_marked_once() -> None:
    assert render(_view("cross_sell.ko", subject="새 상품")).subject == "(광고) 새 상품"
    assert render(_view("cross_sell.ko", subject="(광고) 새 상품")).subject == "(광고) 새 상품"
    assert not render(_view("cross_sell.en", subject="New")).subject.startswith("(광고)")


def test_a_cross_sell_is_advertising_even_when_not_told_so() -> None:
    message = render(_view("cross_sell.ko", marketing=False, links=Links()))
    assert message.subject.startswith("(광고) ")
    assert "mailto:hello@shop.example?subject=Unsubscribe" in Page(message.html).links


@pytest.mark.parametrize(
    ("step", "expected"), [("thank_you", 0), ("shipped", 0), ("delivered", 0), ("survey", 1), ("cross_sell", 1)]
)
def test_who_carries_an_unsubscribe_link(step: str, expected: int) -> None:
    message = render(SAMPLES[f"{step}.en"])
    assert message.html.count("https://dasi.example/u/sample") == expected
    assert message.text.count("https://dasi.example/u/sample") == expected
    given = render(_view(f"{step}.en", links=Links(unsubscribe="https://dasi.example/u/other")))
    assert "https://dasi.example/u/other" in given.html
    assert "https://dasi.example/u/other" in given.text


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("locale", ["en", "ko", "de-DE", "ar", "ja", "x-none"])
def test_a_bare_view_renders_in_every_locale(step: str, locale: str) -> None:
    shop = replace(SAMPLES["survey.en"].shop, support_phone=None, help_url=None, legal_name=None, postal_address=None)
    bare = MessageView(
        step=step, locale=locale, timezone="", shop=shop, order_name="", placed_at=datetime(2026, 11, 3, tzinfo=UTC)
    )
    message = render(bare)
    Page(message.html)
    assert message.subject
    assert ("Hello," in message.text) == (locale != "ko")


def test_other_locales_read_english_with_their_own_money() -> None:
    message = render(_view("thank_you.en", locale="de-DE", total=Money(123456, "EUR")))
    assert message.subject.startswith("Thank you")
    assert "1.234,56\xa0€" in message.html
    assert Page(message.html).lang == "en"


def test_foreign_text_is_shown_and_never_run() -> None:
    evil = "</td></table><script>alert(1)</script><b onclick='x'>\"{{ 1234567 | times: 3 }}"
    line = LineView(
        title=evil, variant=evil, quantity=1, image_url='https://x.example/"onerror="y', how_to_url="javascript:x"
    )
    product = ProductView(title=evil, url="https://x.example/'><script>", rating=5.0, rating_count=2)
    parcel = ParcelView(
        name=evil, carrier=evil, tracking_numbers=(evil,), tracking_urls=("javascript:x",), lines=(line,)
    )
    for step in STEPS:
        view = _view(
            f"{step}.en", first_name="<b>Ann</b>", order_name=evil, lines=(line,), products=(product,),
            parcels=(parcel,), enjoyed=evil, status_url="data:text/html,x",
            shop=replace(SAMPLES["survey.en"].shop, name=evil, support_phone=evil, colour="red;}", logo_url="x:y"),
        )  # fmt: skip
        message = render(view)
        Page(message.html)
        for broken in (
            "<script",
            "<b ",
            "<b>",
            "onclick='",
            'onerror="',
            "javascript:",
            "data:text",
            "red;}",
            "3703701",
        ):
            assert broken not in message.html
        assert "{{ 1234567 | times: 3 }}" in message.html


@pytest.mark.parametrize("own", [None, "{{ first_name }} {{ order_name }}\r\nBcc: z@x.example"])
@pytest.mark.parametrize("step", STEPS)
def test_a_subject_stays_one_line(step: str, own: str | None) -> None:
    hostile = "x\r\nBcc: y@x.example\x00\x0b\x85\u2028"
    message = render(_view(f"{step}.en", first_name=hostile, order_name=hostile, enjoyed=hostile, subject=own))
    assert len(message.subject.splitlines()) == 1
    assert message.subject.isprintable()


def test_right_to_left_names_do_not_turn_the_text_around() -> None:
    message = render(_view("thank_you.en", first_name="\u202eמשה", order_name="#1001"))
    assert "Hi \u2068משה\u2069," in message.text
    assert "Hi \u2068משה\u2069," in Page(message.html).text
    assert "\u202e" not in message.html + message.text
    own = render(_view("thank_you.en", first_name="משה", subject="{{ first_name }}: {{ order_name }}"))
    assert own.subject == "\u2068משה\u2069: #1001"


@pytest.mark.parametrize(
    "mistake", ["{% if %}", "{{ name | nothing }}", "{% for i in (1..9999999) %}x{% endfor %}", " "]
)
def test_a_mistake_in_the_merchants_words_falls_back_to_ours(mistake: str) -> None:
    ours = render(SAMPLES["thank_you.en"])
    assert render(_view("thank_you.en", subject=mistake, intro=mistake)) == ours


def test_the_merchants_words_take_the_place_of_ours() -> None:
    message = render(_view("thank_you.en", subject="Hey {{ name }}", intro="<em>So glad</em>, {{ name }} &amp; co"))
    assert message.subject == "Hey Anna"
    assert "<em>So glad</em>, Anna &amp; co" in message.html
    assert "So glad, Anna & co" in message.text
    assert "Thank you for shopping with us" not in message.html + message.text


def test_rendering_the_same_view_again_gives_the_same_message() -> None:
    assert render(SAMPLES["shipped.ko"]) == render(SAMPLES["shipped.ko"])


def test_the_hot_path_compiles_and_parses_nothing() -> None:
    own = {"subject": "{{ name }}!", "intro": "{{ order_name }}"}
    for name in SAMPLES:
        render(_view(name, **own))
    before = step_templates.cache_info().misses, parsed.cache_info().misses
    for name in SAMPLES:
        render(_view(name, first_name="Someone else", **own))
    assert (step_templates.cache_info().misses, parsed.cache_info().misses) == before


def test_preview_writes_every_sample(tmp_path: Path) -> None:
    assert write(tmp_path) == len(SAMPLES)
    assert {path.stem for path in tmp_path.glob("*.html")} == {*SAMPLES, "index"}
    assert {path.stem for path in tmp_path.glob("*.txt")} == set(SAMPLES)


def test_the_logo_has_words_and_a_ground_of_its_own_in_the_dark() -> None:
    shop = replace(SAMPLES["survey.en"].shop, logo_url="https://shop.example/logo.png")
    message = render(_view("survey.en", shop=shop))
    page = Page(message.html)
    assert ".logo img { background: #f6f5f1" in message.html
    assert [image["alt"] for image in page.images] == ["Juniper & Oak"]
