"""What a line of a list of consents says, and what is wrong with it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from plugin.domain.consent import OLDEST
from plugin.services import consent_csv
from plugin.services.consent_csv import BadFile, Said, Wrong, read_consents
from schemas.events import ConsentSource, ConsentState
from tests.conftest import NOW

SEOUL = ZoneInfo("Asia/Seoul")


def read(text: str | bytes) -> list[Said | Wrong]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_consents(io.BytesIO(data), SEOUL, NOW))


def one(line: str, header: str = "email,state,at,source") -> Said | Wrong:
    (found,) = read(f"{header}\n{line}\n")
    return found


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("subscribed", ConsentState.SUBSCRIBED), (" YES ", ConsentState.SUBSCRIBED),
        ("수신 동의", ConsentState.SUBSCRIBED),
        ("unsubscribed", ConsentState.UNSUBSCRIBED), ("수신거부", ConsentState.UNSUBSCRIBED),
        ("no", ConsentState.NOT_SUBSCRIBED), ("not_subscribed", ConsentState.NOT_SUBSCRIBED),
        ("미동의", ConsentState.NOT_SUBSCRIBED), ("Pending", ConsentState.PENDING),
    ],
)  # fmt: skip
def test_states(word: str, state: ConsentState) -> None:
    found = one(f"Jane@Example.com,{word}")
    assert isinstance(found, Said)
    assert (found.address, found.state, found.at, found.number) == ("jane@example.com", state, OLDEST, 2)


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2026-10-01T12:00:00Z", datetime(2026, 10, 1, 12, tzinfo=UTC)),
        ("2026-10-01T12:00:00+02:00", datetime(2026, 10, 1, 10, tzinfo=UTC)),
        ("2026-10-01 09:30", datetime(2026, 10, 1, 0, 30, tzinfo=UTC)),
        ("2026-10-01", datetime(2026, 9, 30, 15, tzinfo=UTC)),
        ("2026. 10. 1.", datetime(2026, 9, 30, 15, tzinfo=UTC)),
        ("2026/10/1 9:30:15", datetime(2026, 10, 1, 0, 30, 15, tzinfo=UTC)),
        ("2026년 10월 1일 오후 9:30", datetime(2026, 10, 1, 12, 30, tzinfo=UTC)),
        ("2026-10-1 12:05 AM", datetime(2026, 9, 30, 15, 5, tzinfo=UTC)),
    ],
)
def test_moments(cell: str, at: datetime) -> None:
    found = one(f"a@b.example,yes,{cell}")
    assert isinstance(found, Said)
    assert found.at == at


@pytest.mark.parametrize(
    ("line", "why", "cell"),
    [
        ("nobody,yes", "email", "nobody"),
        (",yes", "email", ""),
        ("a@b.example,perhaps", "state", "perhaps"),
        ("a@b.example,yes,01/02/2026", "at", "01/02/2026"),
        ("a@b.example,yes,2026-13-01", "at", "2026-13-01"),
        ("a@b.example,yes,0001-01-01", "at", "0001-01-01"),
        ("a@b.example,yes,2027-01-01", "future", "2027-01-01"),
        ("a@b.example", "cells", ""),
    ],
)
def test_what_is_wrong_is_named(line: str, why: str, cell: str) -> None:
    assert one(line) == Wrong(2, why, cell)


def test_a_source_tells_the_checkbox_apart() -> None:
    sources = [one(f"a@b.example,yes,,{word}") for word in ("checkout", "주문서", "newsletter form", "")]
    assert [line.source for line in sources if isinstance(line, Said)] == [
        ConsentSource.CHECKBOX, ConsentSource.CHECKBOX, ConsentSource.CONSENT, ConsentSource.CONSENT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "header",
    ["email,state", "E-Mail , Status", "이메일,수신동의", "Email;Accepts Email Marketing",
     "이메일 주소\t마케팅 수신동의 여부", '"Email","State"'],
)  # fmt: skip
def test_headers_in_both_languages_and_three_delimiters(header: str) -> None:
    mark = next(mark for mark in "\t;," if mark in header)
    assert isinstance(one(f"a@b.example{mark}yes", header), Said)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_encodings(encoding: str) -> None:
    text = "이메일,동의,출처\na@b.example,동의,주문\n"
    assert isinstance(read(text.encode(encoding))[0], Said)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty"), (b"\n\n", "empty"), (b"\xff\xfe\x00e", "encoding"), (b"state\nyes\n", "no_email"),
     (b"email\na@b.example\n", "no_state")],
)  # fmt: skip
def test_what_is_no_list_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadFile) as caught:
        read(data)
    assert caught.value.code == code


def test_lines_keep_their_numbers_over_empty_and_broken_ones() -> None:
    text = 'email,state,note\n\nx,yes,"two\nlines"\na@b.example,yes,\n ,,\ny,yes\n'
    assert [(line.number, type(line).__name__) for line in read(text)] == [(3, "Wrong"), (5, "Said"), (7, "Wrong")]
    assert read('email,state\na@b.example,"' + "x" * 200_000 + '"\nb@b.example,yes\n')[0] == Wrong(2, "quotes")


def test_a_list_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent_csv, "MAX_LINES", 2)
    with pytest.raises(BadFile, match="too_long"):
        read("email,state\n" + "a@b.example,yes\n" * 3)
