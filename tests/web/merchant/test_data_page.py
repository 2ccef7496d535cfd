"""The page of data: the export's link and the import's form."""

from __future__ import annotations

import html
import io
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.services import consent_files
from plugin.services.shop_work import work_off
from plugin.store.models.customers import Consent
from tests.web.scenes import Scene

PAGE = "/app/data"
LIST = "이메일,수신동의,일시\na@b.example,동의,2026-10-01\nnobody,동의,2026-10-01\n"


def csrf(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(PAGE).text)
    assert found
    return found[1]


def send(client: FlaskClient, data: bytes, act: str = "try", htmx: bool = False, name: str = "list.csv") -> Any:
    headers = {"HX-Request": "true", "X-CSRF-Token": csrf(client)} if htmx else {}
    form = {"act": act, "file": (io.BytesIO(data), name)} | ({} if htmx else {"csrf": csrf(client)})
    return client.post(f"{PAGE}/consents", data=form, headers=headers)


def test_the_export_through_the_pages_link(signed_in: FlaskClient, tea: Scene) -> None:
    link = html.unescape(re.findall(r'href="(/app/data/export[^"]*)"', signed_in.get(PAGE).text)[0])
    answer = tea.app.test_client().get(link)
    assert answer.mimetype == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dasi-haneul-2026-11-02.jsonl"'
    assert answer.headers["Cache-Control"] == "no-store"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["shop"] == "haneul.myshopify.com"
    assert lines[-1]["type"] == "end"
    assert tea.app.test_client().get("/app/data/export").status_code == 302


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_a_try_and_an_import(signed_in: FlaskClient, tea: Scene, htmx: bool, encoding: str) -> None:
    data = LIST.encode(encoding)
    text = send(signed_in, data, htmx=htmx).text
    assert "nothing was written" in text
    assert "Line 3: not an e-mail address <code>nobody</code>" in text
    assert ("<html" in text) is not htmx
    assert tea.rows(Consent) == []
    assert "Imported." in send(signed_in, data, "import", htmx).text
    assert [row.address for row in tea.rows(Consent)] == ["a@b.example"]


def test_a_file_larger_than_any_other_form(signed_in: FlaskClient, tea: Scene) -> None:
    data = b"email,state\n" + b"".join(b"customer%d@mail.example,yes\n" % n for n in range(5000))
    assert len(data) > 128 * 1024
    assert send(signed_in, data).status_code == 303
    assert "5,000 lines read" in send(signed_in, data, htmx=True).text


def test_markup_in_a_line_stays_text(signed_in: FlaskClient) -> None:
    text = send(signed_in, b"email,state\n<script>alert(1)</script>,yes\n").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "no header"), (b"\xff\xfe\x00", "neither UTF-8"), (b"state\nyes\n", "name it email"),
     (b"email\na@b.example\n", "name it state")],
)  # fmt: skip
def test_what_is_no_list_is_said(signed_in: FlaskClient, data: bytes, said: str) -> None:
    answer = send(signed_in, data)
    assert answer.status_code == 422
    assert said in answer.text


def test_no_file_and_no_session(signed_in: FlaskClient, tea: Scene) -> None:
    answer = signed_in.post(f"{PAGE}/consents", data={"csrf": csrf(signed_in), "act": "try"})
    assert (answer.status_code, "Choose a file" in answer.text) == (422, True)
    assert signed_in.post(f"{PAGE}/consents", data={"act": "import"}).status_code == 403
    assert tea.app.test_client().post(f"{PAGE}/consents").status_code in (302, 401)


def test_a_long_list_goes_on_after_the_answer(
    signed_in: FlaskClient, tea: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_files, "AT_ONCE", 2)
    data = b"email,state\n" + b"".join(b"c%d@mail.example,yes\n" % n for n in range(20))
    assert "Trying your list" in send(signed_in, data, htmx=True).text
    answer = send(signed_in, data)
    page, _, _ = answer.headers["Location"].partition("#")
    assert (answer.status_code, page) == (303, "/app/data/imports/2")
    text = signed_in.get(page).text
    assert '<progress max="10" value="0"' in text
    assert "20 lines read" in text
    while work_off(tea.ctx):
        pass
    assert "nothing was written" in signed_in.get(page).text
    assert tea.rows(Consent) == []
    assert signed_in.post(page, data={"csrf": csrf(signed_in)}).status_code == 303
    while work_off(tea.ctx):
        pass
    assert "Imported." in signed_in.get(page).text
    assert len(tea.rows(Consent)) == 20
    assert signed_in.post(page, data={"csrf": csrf(signed_in)}).status_code == 409
