"""The mail catcher over real SMTP, and the inbox's pages."""

from __future__ import annotations

import re
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from jobs import demo as job
from plugin.config import ConfigError, Settings
from plugin.platforms.demo import inbox
from plugin.services.context import Context
from plugin.services.demo import inbox_folder
from plugin.services.demo_clock import seed_clock
from tests.support.apps import app_over

HTML = (
    "<html><head><style>@media (prefers-color-scheme: dark){body{background:#000}}</style></head>"
    '<body><p>안녕하세요</p><img src="https://cdn.example/x.png"><script>alert(1)</script></body></html>'
)


def letter(subject: str = "Your order #1001", sender: str = "Ondo <hello@ondo-tea.example>") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "emma@example.com", subject
    message["Date"] = "Thu, 26 Nov 2026 04:07:00 +0000"
    message["Feedback-ID"] = "survey:post_purchase:service:abcdef0123"
    message.set_content("Hello Emma,\n\nthank you.\n")
    message.add_alternative(HTML, subtype="html")
    return message


@pytest.fixture
def folder(settings: Settings) -> Path:
    folder = inbox_folder(settings)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def client(sqlite_context: Context, folder: Path) -> FlaskClient:
    sqlite_context.settings = replace(sqlite_context.settings, demo=True)
    seed_clock(sqlite_context)
    return app_over(sqlite_context).test_client()


@pytest.fixture
def caught(settings: Settings) -> Iterator[int]:
    """The port of a running catcher."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    stop = threading.Event()
    running = replace(settings, email_url=f"smtp://127.0.0.1:{port}")
    thread = threading.Thread(target=job.run_catcher, args=(running, stop))
    thread.start()
    try:
        yield port
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_what_is_sent_is_caught_to_the_byte(caught: int, settings: Settings) -> None:
    folder = inbox_folder(settings)
    for attempt in range(100):
        try:
            with smtplib.SMTP("127.0.0.1", caught, timeout=5) as smtp:
                smtp.send_message(letter("One"))
                smtp.send_message(letter("Two"))
            break
        except ConnectionRefusedError:
            assert attempt < 99
            time.sleep(0.05)
    assert [mail.subject for mail in inbox.newest(folder)] == ["Two", "One"]
    assert not list(folder.glob("*.tmp"))
    opened = inbox.read(folder, inbox.newest(folder)[0].id)
    assert opened is not None
    assert "안녕하세요" in (opened.html or "")
    assert opened.text.startswith("Hello Emma")


def test_the_catcher_needs_a_port(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="EMAIL_URL"):
        job.run_catcher(settings, threading.Event())


def test_a_mail_is_listed_with_its_own_time_and_step(folder: Path) -> None:
    inbox.keep(folder, letter().as_bytes())
    mail = inbox.newest(folder)[0]
    assert (mail.sender, mail.sender_address, mail.to) == ("Ondo", "hello@ondo-tea.example", "emma@example.com")
    assert mail.at is not None
    assert f"{mail.at:%Y-%m-%d %H:%M}" == "2026-11-26 04:07"
    assert (mail.step, mail.message_class) == ("survey", "service")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"Date: yesterday\r\nFrom: \r\n\r\nhi", b"Subject: =?x?\r\n\r\n"]
)
def test_a_broken_mail_is_still_a_mail(client: FlaskClient, folder: Path, content: bytes) -> None:
    name = inbox.keep(folder, content)
    for view in ("html", "text", "headers"):
        assert client.get(f"/demo/inbox/{name}?view={view}").status_code == 200


def test_an_empty_inbox_says_what_to_do(client: FlaskClient) -> None:
    page = client.get("/demo/inbox")
    assert page.status_code == 200
    assert "The inbox is empty" in page.text


def test_the_list_shows_the_newest_first_and_escapes(client: FlaskClient, folder: Path) -> None:
    inbox.keep(folder, letter("First").as_bytes())
    inbox.keep(folder, letter("<script>alert(2)</script>").as_bytes())
    page = client.get("/demo/inbox").text
    assert "<script>alert(2)" not in page
    assert page.index("&lt;script&gt;alert(2)") < page.index("First")
    told = client.get("/demo/inbox/list").get_json()
    assert told["mails"] == 2
    assert "First" in told["list"]["html"]


def test_the_html_part_is_a_sandboxed_document(client: FlaskClient, folder: Path) -> None:
    name = inbox.keep(folder, letter().as_bytes())
    page = client.get(f"/demo/inbox/{name}").text
    frame = re.search(r"<iframe[^>]*>", page)
    assert frame is not None
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame.group()
    part = client.get(f"/demo/inbox/{name}/html")
    policy = part.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script-src" not in policy
    assert "img-src 'self'" in policy
    assert '<base target="_blank">' in part.text


def test_the_reader_chooses_theme_and_images(client: FlaskClient, folder: Path) -> None:
    name = inbox.keep(folder, letter().as_bytes())
    dark = client.get(f"/demo/inbox/{name}/html?theme=dark").text
    light = client.get(f"/demo/inbox/{name}/html?theme=light&images=off")
    assert "@media (min-width:0px)" in dark
    assert "@media (max-width:0px)" in light.text
    assert "img-src 'none'" in light.headers["Content-Security-Policy"]
    phone = client.get(f"/demo/inbox/{name}?width=phone&theme=dark").text
    assert 'class="frame phone dark"' in phone


def test_links_to_the_made_up_shop_end_at_its_pages(client: FlaskClient, folder: Path) -> None:
    message = EmailMessage()
    message.set_content('<a href="https://ondo-tea.example/products/hwangcha">tea</a>', subtype="html")
    part = client.get(f"/demo/inbox/{inbox.keep(folder, message.as_bytes())}/html").text
    assert 'href="http://127.0.0.1:8000/demo/shop/products/hwangcha"' in part
    for path in ("/demo/shop", "/demo/shop/", "/demo/shop/products/hwangcha", "/demo/shop/how-to/hwangcha"):
        assert client.get(path).status_code == 200
    assert client.get("/demo/shop/products/nothing").status_code == 404


def test_headers_and_plain_text_are_shown(client: FlaskClient, folder: Path) -> None:
    name = inbox.keep(folder, letter().as_bytes())
    assert "survey:post_purchase:service:abcdef0123" in client.get(f"/demo/inbox/{name}?view=headers").text
    assert "thank you." in client.get(f"/demo/inbox/{name}?view=text").text


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fdasi.db", "0" * 19 + "-deadbeef", "%00"])
def test_no_other_file_can_be_read(client: FlaskClient, folder: Path, name: str) -> None:
    assert client.get(f"/demo/inbox/{name}").status_code == 404
    assert client.get(f"/demo/inbox/{name}/html").status_code == 404


def test_the_inbox_is_cleared_by_our_own_page_only(client: FlaskClient, folder: Path) -> None:
    inbox.keep(folder, letter().as_bytes())
    assert client.post("/demo/inbox/clear", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert inbox.count(folder) == 1
    assert client.post("/demo/inbox/clear", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert inbox.count(folder) == 0
