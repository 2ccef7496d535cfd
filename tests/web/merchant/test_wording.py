"""The editor of a wording: what it refuses, shows, tries, saves and remembers."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from plugin.channels.email.errors import Retryable
from plugin.content.merchant_liquid import check
from plugin.services.template_drafts import any_test, send_tests
from plugin.services.template_edit import Draft, Preview, preview, versions
from plugin.store.models.merchants import Change
from plugin.store.models.shops import Shop
from plugin.store.models.templates import TemplateDraft
from plugin.web.merchant.liquid_words import fault
from schemas.settings import load_settings
from tests.web.scenes import Scene

PAGE = "/app/steps/survey/wording/en"


class Post:
    """Remembers what it is given; refuses while `away`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.away = False

    def send(self, _sender: str, recipient: str, data: bytes) -> None:
        if self.away:
            raise Retryable("451 come back later")
        self.sent.append((recipient, data))

    def close(self) -> None: ...


def csrf(client: FlaskClient) -> str:
    found = re.search('name="csrf" value="([^"]+)"', client.get(PAGE).text)
    assert found
    return found.group(1)


def write(client: FlaskClient, wish: str, subject: str = "", intro: str = "", **more: str):
    return client.post(PAGE, data={"csrf": csrf(client), "wish": wish, "subject": subject, "intro": intro, **more})


def in_use(tea: Scene):
    with tea.ctx.database.reading() as session:
        return load_settings(session.scalars(select(Shop.settings)).one()).step("survey")


def test_what_is_saved_is_in_use_and_remembered(tea: Scene, signed_in: FlaskClient):
    assert write(signed_in, "save", "How is {{ order_name }}?", "Hello {{ name }}").status_code == 303
    assert in_use(tea).subject == {"en": "How is {{ order_name }}?"}
    assert in_use(tea).intro == {"en": "Hello {{ name }}"}
    write(signed_in, "save", "Everything fine with {{ order_name }}?")
    with tea.ctx.database.reading() as session:
        kept = versions(session, tea.shop_id, "survey", "en")
        logged = session.scalars(select(Change.what)).all()
    newest, oldest = "Everything fine with {{ order_name }}?", "How is {{ order_name }}?"
    assert [version.subject for version in kept] == [newest, oldest]
    assert logged == ["wording", "wording"]
    assert signed_in.post(f"{PAGE}/versions/{kept[1].id}", data={"csrf": csrf(signed_in)}).status_code == 303
    page = signed_in.get(PAGE).text
    assert "Hello {{ name }}" in page
    assert "Not saved" in page
    assert in_use(tea).subject == {"en": "Everything fine with {{ order_name }}?"}


def test_the_default_comes_back(tea: Scene, signed_in: FlaskClient):
    write(signed_in, "save", "Mine", "Mine")
    write(signed_in, "default", "typed meanwhile")
    assert in_use(tea).subject == in_use(tea).intro == {}
    assert "typed meanwhile" not in signed_in.get(PAGE).text


def test_a_mistake_is_told_by_line_and_not_saved(tea: Scene, signed_in: FlaskClient):
    answer = write(signed_in, "save", "Fine", "one\ntwo {{ nmae }}\n{% if name %}")
    assert answer.status_code == 422
    [told] = re.findall(r'id="intro-faults">(.*?)</ul>', answer.text, re.S)
    assert "Line 3: a tag is not closed: {% endif %} is missing." in told
    assert not re.search(r'id="subject-faults">\s*<li', answer.text)
    assert in_use(tea).subject == {}
    assert "two {{ nmae }}" in signed_in.get(PAGE).text  # what was written is still there


@pytest.mark.parametrize("path", ["/app/steps/nothing/wording/en", "/app/steps/survey/wording/fr"])
def test_there_is_no_other_step_or_language(signed_in: FlaskClient, path):
    assert signed_in.get(path).status_code == 404


def test_the_preview_is_a_mail_on_a_real_order_whose_links_lead_nowhere(tea: Scene, signed_in: FlaskClient):
    page = signed_in.get(PAGE).text
    assert "Shown on order #1001" in page
    source = re.search('<iframe class="phone" sandbox title="[^"]*" src="([^"]+)"', page)
    assert source
    frame = tea.app.test_client().get(source.group(1).replace("&amp;", "&"))  # a frame sends no cookie of ours
    assert frame.status_code == 200
    assert "First-flush green tea" not in frame.text or "#1001" in frame.text
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert "/s/" not in frame.text
    assert "/u/" not in frame.text
    other = tea.app.test_client().get(source.group(1).replace("survey", "shipped"))
    assert other.status_code in (302, 401)


def test_writing_shows_at_once_without_being_saved(tea: Scene, signed_in: FlaskClient):
    data = {"csrf": csrf(signed_in), "wish": "keep", "subject": "Dear {{ order_name }}", "intro": ""}
    answer = signed_in.post(PAGE, data=data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Dear #1001" in answer.text
    assert "<html" not in answer.text
    assert in_use(tea).subject == {}


def test_while_it_is_wrong_the_words_in_use_are_shown(tea: Scene, signed_in: FlaskClient):
    write(signed_in, "save", "Mine, {{ order_name }}")
    data = {"csrf": csrf(signed_in), "wish": "keep", "subject": "Hi {{ nobody }}", "intro": ""}
    answer = signed_in.post(PAGE, data=data, headers={"HX-Request": "true", "Accept-Language": "ko"})
    assert "Mine, #1001" in answer.text
    assert "‘nobody’라는 값은 없습니다" in answer.text  # beside its field, in the page's language
    assert 'id="subject-faults" hx-swap-oob="true"' in answer.text


def test_inside_the_admin_a_button_brings_the_whole_page(signed_in: FlaskClient):
    """There forms are sent by htmx too; what is only to be shown anew asks without that mark."""
    data = {"csrf": csrf(signed_in), "wish": "keep", "subject": "Hi", "intro": ""}
    answer = signed_in.post(PAGE, data=data, headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert answer.status_code == 303


@pytest.mark.parametrize(("source", "told"), [
    ("{{ nmae }}", "there is no value “nmae”"), ("{{ name | shout }}", "there is no filter “shout”"),
    ("{% if name %}x", "{% endif %} is missing"), ("{{ name", "“}}” is missing"), ("x {% include 'x' %}", "“include”"),
    ("{% for i in (1..100000) %}a{% endfor %}", "loops too often"), ("{{ name || upcase }}", "does not belong there"),
    ("{{ name | append }}", "needs a value after a colon"), ("{% if %}x{% endif %}", "something is missing"),
    ("{% for x titles %}{% endfor %}", "“in” is missing"), ("{% case name %}{% when 'x' %}", "not closed"),
])  # fmt: skip
def test_mistakes_are_told_in_plain_words(source: str, told: str):
    [error] = check(source)
    assert told in fault(error.message, "en")
    assert re.search("[가-힣]", fault(error.message, "ko"))
    assert "읽을 수 없습니다" not in fault(error.message, "ko")


def test_every_step_can_be_seen_in_both_languages_with_and_without_orders(tea: Scene):
    def seen(order_id: int | None, step: str, language: str) -> Preview:
        with tea.ctx.database.reading() as session:
            return preview(session, tea.ctx, tea.shop_id, Draft(step, language), order_id)

    steps = ("thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up")
    for step in steps:
        for language in ("en", "ko"):
            assert seen(tea.order_id, step, language).rendered.subject
    with tea.ctx.database.transaction() as session:
        session.execute(update(Shop).values(settings={}))
        session.execute(update(TemplateDraft).values(order_id=None))
    assert seen(None, "survey", "ko").order_name == "#1001"


def test_a_test_goes_to_the_shop_itself_and_once(tea: Scene, signed_in: FlaskClient):
    write(signed_in, "test", "For {{ order_name }}", to="owner@haneul.example")
    assert any_test(tea.ctx)
    post = Post()
    assert send_tests(tea.ctx, post) == 1
    assert send_tests(tea.ctx, post) == 0
    [(recipient, data)] = post.sent
    assert recipient == "owner@haneul.example"
    assert b"Subject: [Test] For #1001" in data
    assert in_use(tea).subject == {}


def test_a_test_waits_for_a_mail_server_that_is_busy(tea: Scene, signed_in: FlaskClient):
    write(signed_in, "test", to="owner@haneul.example")
    post = Post()
    post.away = True
    assert send_tests(tea.ctx, post) == 0
    assert not any_test(tea.ctx)  # not before a minute has passed
    with tea.ctx.database.reading() as session:
        assert session.scalar(select(TemplateDraft.test_at)) is not None


def test_a_test_goes_to_nobody_else(signed_in: FlaskClient):
    answer = write(signed_in, "test", to="stranger@example.com")
    assert answer.status_code == 422


def test_another_shop_s_version_is_none(tea: Scene, signed_in: FlaskClient):
    assert signed_in.post(f"{PAGE}/versions/999", data={"csrf": csrf(signed_in)}).status_code == 404
