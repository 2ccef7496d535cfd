"""Without an admin to stand in: one-time links, the sessions they open, and what a foreign page cannot do with them."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from jobs.cli import main
from plugin.channels.email.errors import Retryable
from plugin.services import login_mail, logins
from plugin.store.models.merchants import LoginLink, LoginTry, MerchantSession
from plugin.store.models.shops import Shop
from tests.support.apps import app_over
from tests.web.merchant.conftest import DOMAIN
from tests.web.scenes import Scene


class Post:
    """A mail server that keeps what it is given, or is closed."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []
        self.closed = False

    def send(self, sender: str, recipient: str, data: bytes) -> None:
        if self.closed:
            raise Retryable("closed")
        self.mails.append((recipient, data))

    def close(self) -> None:
        pass


def set_all(tea: Scene, model: type[Any], **values: Any) -> None:
    with tea.ctx.database.transaction() as session:
        session.execute(update(model).values(**values))


def all_of(tea: Scene, model: type[Any]) -> list[Any]:
    with tea.ctx.database.reading() as session:
        return list(session.scalars(select(model)))


def csrf_of(client: FlaskClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/app").text)
    assert found
    return found.group(1)


# -- links ------------------------------------------------------------------------------------------------------------
def test_a_link_shows_a_button_and_opens_once(tea: Scene, link: str):
    client = tea.app.test_client()
    for _ in range(3):  # a mail scanner opens it as often as it likes
        looked = client.get(link)
        assert looked.status_code == 200
        assert DOMAIN in looked.text
        assert "Set-Cookie" not in looked.headers
        client.head(link)
    entered = client.post(link)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/app")
    assert client.get("/app").status_code == 200
    other = tea.app.test_client()
    for answer in (other.post(link), other.get(link)):
        assert answer.status_code == 404
        assert "Set-Cookie" not in answer.headers
    assert other.get("/app").status_code == 302


def test_a_foreign_page_signs_nobody_in(tea: Scene, link: str):
    client = tea.app.test_client()
    assert client.post(link, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 404
    assert client.post(link, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_a_link_ends_after_a_quarter_of_an_hour(tea: Scene, link: str):
    set_all(tea, LoginLink, expires_at=logins.machine_now() - timedelta(seconds=1))
    client = tea.app.test_client()
    assert client.get(link).status_code == 404
    assert client.post(link).status_code == 404
    assert tea.rows(MerchantSession) == []


def test_business_time_does_not_end_it(tea: Scene, link: str):
    tea.ctx.clock.move(timedelta(days=400))  # type: ignore[attr-defined]
    assert tea.app.test_client().post(link).status_code == 303


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.swapcase(), lambda t: "x"])
def test_an_altered_link_opens_nothing(tea: Scene, link: str, change: Any):
    client = tea.app.test_client()
    altered = "/login/" + change(link.rpartition("/")[2])
    assert client.get(altered).status_code == 404
    assert client.post(altered).status_code == 404


def test_nothing_in_the_database_signs_in(tea: Scene, link: str, signed_in: FlaskClient):
    token = link.rpartition("/")[2]
    cookie = signed_in.get_cookie("dasi_session")
    assert cookie is not None
    stored = repr([vars(row) for model in (LoginLink, MerchantSession) for row in tea.rows(model)])
    assert token not in stored
    assert cookie.value not in stored
    for row in tea.rows(LoginLink):
        assert tea.app.test_client().get(f"/login/{row.token_hash}").status_code == 404


def test_an_uninstalled_shop_lets_nobody_in(tea: Scene, link: str, signed_in: FlaskClient):
    with tea.ctx.database.transaction() as session:
        fresh = f"/login/{logins.make_link(session, tea.shop_id, 'command')}"
    set_all(tea, Shop, uninstalled_at=tea.ctx.clock.now())
    assert tea.app.test_client().post(fresh).status_code == 404
    assert signed_in.get("/app").status_code == 302


# -- sessions ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("public_url", "secure"), [("http://127.0.0.1:8000", False), ("https://dasi.example.com", True)]
)
def test_the_cookie_is_ours_alone(tea: Scene, link: str, public_url: str, secure: bool):
    settings = dataclasses.replace(tea.ctx.settings, public_url=public_url)
    app = app_over(dataclasses.replace(tea.ctx, settings=settings))
    header = app.test_client().post(link).headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert ("Secure" in header) is secure
    assert "Path=/" in header


def test_the_token_changes_daily_and_the_old_one_holds_a_minute(tea: Scene, signed_in: FlaskClient):
    first = signed_in.get_cookie("dasi_session")
    assert first
    set_all(tea, MerchantSession, rotated_at=logins.machine_now() - timedelta(days=2))
    assert signed_in.get("/app").status_code == 200
    second = signed_in.get_cookie("dasi_session")
    assert second
    assert second.value != first.value
    late = tea.app.test_client()
    late.set_cookie("dasi_session", first.value)
    assert late.get("/app").status_code == 200  # a request that was under way
    set_all(tea, MerchantSession, rotated_at=logins.machine_now() - timedelta(minutes=2))
    assert late.get("/app").status_code == 302
    assert signed_in.get("/app").status_code == 200


@pytest.mark.parametrize("ended", [{"expires_at": timedelta(seconds=1)}, {"seen_at": timedelta(days=8)}])
def test_a_session_ends(tea: Scene, signed_in: FlaskClient, ended: dict[str, timedelta]):
    set_all(tea, MerchantSession, **{name: logins.machine_now() - age for name, age in ended.items()})
    assert signed_in.get("/app").headers["Location"] == "/login"


def test_signing_out_ends_it_for_good(tea: Scene, signed_in: FlaskClient):
    cookie = signed_in.get_cookie("dasi_session")
    assert cookie
    answer = signed_in.post("/app/sign-out", data={"csrf": csrf_of(signed_in)})
    assert answer.headers["Location"] == "/login"
    assert tea.rows(MerchantSession) == []
    thief = tea.app.test_client()
    thief.set_cookie("dasi_session", cookie.value)
    assert thief.get("/app").status_code == 302


def test_a_form_needs_the_sessions_own_token(tea: Scene, signed_in: FlaskClient):
    address, good = "/app/steps/survey/switch", csrf_of(signed_in)
    for wrong in ({}, {"csrf": ""}, {"csrf": good + "x"}, {"csrf": good.swapcase()}):
        assert signed_in.post(address, data={"enabled": "no", "apply": "all", **wrong}).status_code == 403
    foreign = signed_in.post(
        address, data={"enabled": "no", "apply": "all", "csrf": good}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403
    assert tea.rows(Shop)[0].settings.get("steps", {}) == {}
    assert signed_in.post(address, data={"enabled": "no", "apply": "all", "csrf": good}).status_code == 303
    by_header = signed_in.post(address, data={"enabled": "yes", "apply": "all"}, headers={"X-CSRF-Token": good})
    assert by_header.status_code == 303


def test_the_language_is_remembered_and_leads_back(signed_in: FlaskClient):
    form = {"csrf": csrf_of(signed_in), "language": "ko"}
    answer = signed_in.post("/app/language", data=form, headers={"Referer": "http://localhost/app/settings?x=1"})
    assert answer.headers["Location"] == "/app/settings"
    assert '<html lang="ko">' in signed_in.get("/app").text
    for elsewhere in ("https://evil.example/app", "http://localhost//evil.example", "x"):
        where = signed_in.post("/app/language", data=form, headers={"Referer": elsewhere}).headers["Location"]
        assert where == "/app"


# -- the mail ---------------------------------------------------------------------------------------------------------
def test_the_owner_gets_a_link_that_works(tea: Scene):
    client, post = tea.app.test_client(), Post()
    answer = client.post("/login", data={"shop": "haneul"})
    assert answer.status_code == 200
    assert login_mail.any_link(tea.ctx)
    assert login_mail.mail_links(tea.ctx, post) == 1
    assert not login_mail.any_link(tea.ctx)
    assert [to for to, _ in post.mails] == ["owner@haneul.example"]
    text = post.mails[0][1].decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(r"http://127.0.0.1:8000(/login/[A-Za-z0-9_-]+)", text)
    assert found
    assert client.post(found.group(1)).status_code == 303


def test_the_answer_does_not_tell_whether_there_is_such_a_shop(tea: Scene):
    known = tea.app.test_client().post("/login", data={"shop": DOMAIN})
    unknown = tea.app.test_client().post("/login", data={"shop": "nobody.myshopify.com"})
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace(DOMAIN, "X") == unknown.text.replace("nobody.myshopify.com", "X")
    assert len(tea.rows(LoginLink)) == 1


def test_nobody_fills_the_owners_inbox(tea: Scene):
    client = tea.app.test_client()
    for _ in range(6):
        assert client.post("/login", data={"shop": DOMAIN}).status_code == 200
    assert len(tea.rows(LoginLink)) == login_mail.LINKS


def test_one_place_may_not_ask_without_end(tea: Scene):
    client = tea.app.test_client()
    answers = [client.post("/login", data={"shop": "nobody.myshopify.com"}) for _ in range(login_mail.TRIES + 1)]
    assert [answer.status_code for answer in answers] == [200] * login_mail.TRIES + [429]
    assert "Retry-After" in answers[-1].headers
    assert "127.0.0.1" not in repr([vars(row) for row in all_of(tea, LoginTry)])


def test_a_proxy_of_our_house_tells_who_asks(tea: Scene):
    client = tea.app.test_client()
    for number in range(login_mail.TRIES + 5):
        told = {"X-Forwarded-For": f"198.51.100.7, 203.0.113.{number}"}
        assert client.post("/login", data={"shop": "nobody.myshopify.com"}, headers=told).status_code == 200
    outside = {"REMOTE_ADDR": "8.8.8.8"}
    answers = [
        client.post("/login", data={"shop": "x"}, headers={"X-Forwarded-For": str(n)}, environ_base=outside)
        for n in range(login_mail.TRIES + 1)
    ]
    assert answers[-1].status_code == 429


def test_a_closed_mail_server_is_tried_again_with_another_link(tea: Scene):
    post = Post()
    post.closed = True
    tea.app.test_client().post("/login", data={"shop": DOMAIN})
    assert login_mail.mail_links(tea.ctx, post) == 0
    post.closed = False
    set_all(tea, LoginLink, mail_at=logins.machine_now())
    assert login_mail.mail_links(tea.ctx, post) == 1


def test_a_shop_without_an_owners_address_is_not_written_to(tea: Scene):
    set_all(tea, Shop, email=None)
    assert tea.app.test_client().post("/login", data={"shop": DOMAIN}).status_code == 200
    assert tea.rows(LoginLink) == []


@pytest.mark.parametrize("typed", ["", "x y", "haneul.example", "a.myshopify.com/x", "<b>"])
def test_what_is_no_shop_is_said_to_be_none(tea: Scene, typed: str):
    answer = tea.app.test_client().post("/login", data={"shop": typed})
    assert answer.status_code == 422
    assert "<b>" not in answer.text.partition("<main")[2].replace("&lt;b&gt;", "")


# -- the command ------------------------------------------------------------------------------------------------------
def test_the_command_prints_a_link(tea: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("DATABASE_URL", str(tea.ctx.database.engine.url))
    monkeypatch.setenv("REDIS_URL", "unix:///nowhere")
    assert main(["login", DOMAIN]) == 0
    link = capsys.readouterr().out.strip()
    assert link.startswith("http://127.0.0.1:8000/login/")
    assert tea.app.test_client().post(link.removeprefix("http://127.0.0.1:8000")).status_code == 303
    assert main(["login", "nobody.myshopify.com"]) == 2
