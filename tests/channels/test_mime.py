from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugin.channels.email.errors import Permanent, Retryable
from plugin.channels.email.mime import Mail, build, message_id

PLAIN = Mail(
    key="AB12C/post_purchase/survey/4501/email/0",
    message_id=message_id("AB12C/post_purchase/survey/4501/email/0", "example.com"),
    sender_name="Green Teapot",
    sender_address="hello@example.com",
    reply_to="help@example.com",
    to="mina@example.net",
    to_name="Mina Kim",
    subject="Your order #1001",
    text="Hello Mina,\n\nthank you.\n",
    html="<!doctype html>\n<p>Hello Mina, thank you.</p>\n",
    feedback_id="survey:post_purchase:service:AB12C",
    list_unsubscribe_url="https://dasi.example.com/u/abc.def-ghi_jkl",
    language="en",
    date=datetime(2026, 11, 12, 10, 3, tzinfo=UTC),
)
NAMES = [
    "Date", "From", "To", "Reply-To", "Subject", "Message-ID", "Feedback-ID", "X-Entity-Ref-ID",
    "X-Auto-Response-Suppress", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language", "MIME-Version",
    "Content-Type",
]  # fmt: skip


def read(data: bytes) -> EmailMessage:
    mail = message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def bodies(mail: EmailMessage) -> tuple[str, str]:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def assert_sound(data: bytes) -> EmailMessage:
    """What holds for every message, whatever is in it: lines, headers and parts are ours alone."""
    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert b"\0" not in data
    mail = read(data)
    assert mail.keys() == NAMES
    assert not mail.defects
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not any(part.defects for part in mail.walk())
    return mail


def test_the_headers_of_the_contract() -> None:
    mail = assert_sound(build(PLAIN))
    assert mail["Date"] == "Thu, 12 Nov 2026 10:03:00 +0000"
    assert mail["From"] == "Green Teapot <hello@example.com>"
    assert mail["To"] == "Mina Kim <mina@example.net>"
    assert mail["Reply-To"] == "help@example.com"
    assert mail["Subject"] == "Your order #1001"
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", mail["Message-ID"])
    assert mail["Feedback-ID"] == "survey:post_purchase:service:AB12C"
    assert mail["X-Entity-Ref-ID"] == PLAIN.key
    assert mail["List-Unsubscribe"] == "<https://dasi.example.com/u/abc.def-ghi_jkl>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Content-Language"] == "en"
    assert bodies(mail) == (PLAIN.text.removesuffix("\n"), PLAIN.html.removesuffix("\n"))


def test_transactional_mail_has_no_unsubscribe_headers() -> None:
    mail = read(build(replace(PLAIN, list_unsubscribe_url=None)))
    assert mail.keys() == [name for name in NAMES if not name.startswith("List-")]


def test_a_message_id_follows_from_the_key() -> None:
    assert message_id("key", "example.com") == message_id("key", "EXAMPLE.com") == (
        "<2c70e12b7a0646f92279f427c7b38e73@example.com>"
    )
    assert message_id("key2", "example.com") != message_id("key", "example.com")
    assert message_id("key", "한국.kr").endswith("@xn--3e0b707e.kr>")
    assert message_id("key", "not a\r\ndomain").endswith("@localhost>")
    assert build(PLAIN) == build(PLAIN)


def test_a_date_is_told_in_utc_and_must_know_its_zone() -> None:
    seoul = datetime(2026, 11, 12, 19, 3, tzinfo=timezone(timedelta(hours=9)))
    assert read(build(replace(PLAIN, date=seoul)))["Date"] == "Thu, 12 Nov 2026 10:03:00 +0000"
    with pytest.raises(ValueError, match="time zone"):
        build(replace(PLAIN, date=datetime(2026, 11, 12)))  # noqa: DTZ001


SUBJECTS = [
    "",
    "주문해 주셔서 감사합니다 🎁",
    "(광고) 함께 쓰면 좋은 상품을 골라 보았어요. 천천히 둘러보시고 마음에 드는 것을 찾아보세요. " * 4,
    "Café — your order #1001 is on its way",
    "A plain subject that is so long that it has to be folded at least once, and then a second time to be sure of it",
    "x" * 400,
    "word " + "y" * 90 + " word",
    "=?utf-8?q?not=20encoded?=",
    "=? almost",
    "👩‍👩‍👧‍👦" * 60,
    "שלום, ההזמנה שלך בדרך",
    "ends with a backslash \\",
    'quotes " and <angles>; commas, colons: (brackets)',
]


@pytest.mark.parametrize("subject", SUBJECTS, ids=range(len(SUBJECTS)))
def test_subjects_of_any_script_and_length(subject: str) -> None:
    data = build(replace(PLAIN, subject=subject))
    assert assert_sound(data)["Subject"] == " ".join(subject.split())
    head = data.split(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?.*?\?=", head))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("", b"From: hello@example.com\r\n"),
        ("Green Teapot", b"From: Green Teapot <hello@example.com>\r\n"),
        ("Teapot, Inc.", b'From: "Teapot, Inc." <hello@example.com>\r\n'),
        ('The "Pot" \\', b'From: "The \\"Pot\\" \\\\" <hello@example.com>\r\n'),
        ("admin@bank.example", b'From: "admin@bank.example" <hello@example.com>\r\n'),
        ("초록 찻주전자", b"From: =?utf-8?b?7LSI66GdIOywu+yjvOyghOyekA==?= <hello@example.com>\r\n"),
        ("Café", b"From: =?utf-8?q?Caf=C3=A9?= <hello@example.com>\r\n"),
    ],
)
def test_names(name: str, header: bytes) -> None:
    data = build(replace(PLAIN, sender_name=name))
    assert header in data
    assert assert_sound(data)["From"].addresses[0].display_name == name


def test_domains_of_other_scripts_are_written_in_ascii() -> None:
    mail = read(build(replace(PLAIN, sender_address="hello@찻주전자.kr", to="Mina@한국.kr")))
    assert mail["From"].addresses[0].addr_spec == "hello@xn--9u5b9hsz78g.kr"
    assert mail["To"].addresses[0].addr_spec == "Mina@xn--3e0b707e.kr"


def test_a_local_part_beyond_ascii_is_written_as_it_is() -> None:
    data = build(replace(PLAIN, to="민아@example.kr", to_name=None))
    assert "To: 민아@example.kr\r\n".encode() in data


@pytest.mark.parametrize("address", ["", "mina", "a@b@example.com", "mina@example.net\r\nBcc: eve@example.com"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Permanent) as caught:
        build(replace(PLAIN, to=address))
    assert not caught.value.dead_address
    with pytest.raises(Retryable, match="sender address"):
        build(replace(PLAIN, sender_address=address))
    with pytest.raises(Retryable, match="support address"):
        build(replace(PLAIN, reply_to=address))


LINKS = [
    "javascript:x", "https://a>, <mailto:x@y.z", "https://a b", "https://a\r\nX: y", "https://é", "http://" + "a" * 999,
]


@pytest.mark.parametrize("url", LINKS)
def test_what_is_no_unsubscribe_link_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="unsubscribe"):
        build(replace(PLAIN, list_unsubscribe_url=url))


INJECTION = "Mina\r\nBcc: eve@example.com\r\n\r\n<script>\x00\x0b\x1b\x85\u2028\ud800\u202e"


def test_line_ends_in_any_value_add_no_header() -> None:
    hostile: dict[str, Any] = dict.fromkeys(
        ["sender_name", "to_name", "subject", "key", "message_id", "feedback_id", "text", "html"], INJECTION
    )
    mail = assert_sound(build(replace(PLAIN, **hostile)))
    assert mail["Subject"] == "Mina Bcc: eve@example.com <script>"
    assert mail["To"].addresses[0].display_name == "Mina Bcc: eve@example.com <script>"
    assert mail["To"].addresses[0].addr_spec == "mina@example.net"
    assert len(mail["To"].addresses) == 1
    assert mail["X-Entity-Ref-ID"] == "MinaBcc:eve@example.com<script>"
    assert "Bcc" not in mail


def test_a_language_that_is_none_is_left_out() -> None:
    assert "Content-Language" not in read(build(replace(PLAIN, language="en\r\nX: y")))


texts = st.text(max_size=300) | st.text(alphabet="\r\n\t =?_.\"\\<>,@é한", max_size=300)


@given(texts, texts, texts, texts, texts)
@example("\r\n", "\r", "\n", " \r\n ", "\t\r\n.\r\n")
@example("=?", "=?utf-8?q??=", "a" * 78, "\r\n.\r\n", "--=_")
@example('"', "\\", "a" * 69 + "é", "From me\nFrom you\n", "x" * 1000)
def test_whatever_is_said_comes_through_and_nothing_else(
    sender: str, name: str, subject: str, text: str, html: str
) -> None:
    data = build(replace(PLAIN, sender_name=sender, to_name=name, subject=subject, text=text, html=html))
    mail = assert_sound(data)
    assert [address.addr_spec for address in mail["To"].addresses] == ["mina@example.net"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["hello@example.com"]
    said = bodies(mail)
    for got, given_text in zip(said, (text, html), strict=True):
        wanted = given_text.replace("\r\n", "\n").replace("\r", "\n")
        assert got.rstrip("\n") == wanted.rstrip("\n")  # the last line end belongs to the boundary


def test_hangul_goes_as_base64_and_letters_as_quoted_printable() -> None:
    text, html = "안녕하세요, 주문해 주셔서 감사합니다.\n" * 50, "<p>감사합니다</p>" + "<td></td>\n" * 200
    data = build(replace(PLAIN, text=text, html=html))
    assert re.findall(rb"Content-Transfer-Encoding: (\S+)", data) == [b"base64", b"quoted-printable"]
    assert max(map(len, data.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))) <= 76
    assert assert_sound(data)
