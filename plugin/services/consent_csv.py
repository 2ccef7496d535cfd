"""A merchant's list of consents as CSV: what each line says, or what is wrong with it. Read line by line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO
from zoneinfo import ZoneInfo

from plugin.domain.addresses import normalise_email
from plugin.domain.consent import OLDEST
from schemas.events import ConsentSource, ConsentState

MAX_LINES = 200_000
MAX_CELL = 1_000  # characters of a cell that is looked at
SHOWN = 60  # of a cell that is wrong
_READ = 64 * 1024

# Column names and words for a state, in lower case and without spaces, hyphens and underscores.
_COLUMNS = {
    "email": "email emailaddress mail 이메일 이메일주소 메일 메일주소 전자우편",
    "state": "state status consent marketing emailmarketing acceptsemailmarketing subscribed 상태 수신동의 동의 "
             "동의여부 수신동의여부 마케팅동의 마케팅수신동의 마케팅수신동의여부",
    "at": "at date time datetime consentedat updatedat 일시 날짜 시각 동의일 동의일시",
    "source": "source origin 출처 경로 동의경로 수집경로",
}  # fmt: skip
# A bare "no" only says that there was no yes: it is no opt-out.
_STATES = {
    ConsentState.SUBSCRIBED: "subscribed yes y true 1 o 동의 동의함 수신동의 수신 예 구독",
    ConsentState.UNSUBSCRIBED: "unsubscribed optedout optout 거부 수신거부 해지 구독취소 철회 동의철회",
    ConsentState.NOT_SUBSCRIBED: "notsubscribed no n false 0 x 미동의 동의안함 아니오 미수신",
    ConsentState.PENDING: "pending 대기 확인중",
}
_BY_COLUMN = {name: column for column, names in _COLUMNS.items() for name in names.split()}
_BY_STATE = {name: state for state, names in _STATES.items() for name in names.split()}
_CHECKBOX = ("checkbox", "checkout", "order", "주문", "주문서", "결제", "체크박스")
_DATE = re.compile(
    r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?"
    r"(?:[\sT]+(오전|오후|am|pm)?\s*(\d{1,2})\s*[:시]\s*(\d{2})분?(?::(\d{2})(?:\.\d+)?)?\s*(am|pm)?)?",
    re.IGNORECASE | re.ASCII,
)


class BadFile(Exception):
    """Nothing in the file can be used. `code`: encoding, empty, no_email, no_state, too_long."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Said:
    """What a good line says. `at`: without a time it counts as oldest."""

    number: int
    address: str
    state: ConsentState
    source: ConsentSource
    at: datetime


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that is left out. `why`: email, state, at, future, cells or quotes; `cell`: what stood there, cut."""

    number: int
    why: str
    cell: str = ""


def read_consents(file: IO[bytes], zone: ZoneInfo, now: datetime) -> Iterator[Said | Wrong]:
    """Every line but the header and empty ones, with its number in the file. UTF-8 (with or without BOM) or CP949.

    `zone`: of times that name none. Raises BadFile, before the first line or when the file is too long.
    """
    text = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
    try:
        yield from _lines(text, zone, now)
    finally:
        text.detach()  # the file is the caller's


def _encoding(file: IO[bytes]) -> str:
    """By trying: bytes that are UTF-8 by chance are not seen in Korean text."""
    for encoding in ("utf-8-sig", "cp949"):
        decoder = codecs.getincrementaldecoder(encoding)()
        file.seek(0)
        try:
            while chunk := file.read(_READ):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        file.seek(0)
        return encoding
    raise BadFile("encoding")


def _lines(text: io.TextIOWrapper, zone: ZoneInfo, now: datetime) -> Iterator[Said | Wrong]:
    header = text.readline()
    if not header.strip():
        raise BadFile("empty")
    delimiter = max(",;\t", key=header.count)
    columns = _columns(next(csv.reader([header], delimiter=delimiter)))
    reader = csv.reader(text, delimiter=delimiter)
    number, count = 1, 0
    while True:
        start = number + 1  # where the line begins: a quoted cell may hold line feeds
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            number = 1 + reader.line_num
            yield Wrong(start, "quotes")
            continue
        number = 1 + reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > MAX_LINES:
            raise BadFile("too_long")
        yield _line(start, cells, columns, zone, now)


def _columns(cells: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        column = _BY_COLUMN.get(_bare(cell))
        if column and column not in found:
            found[column] = place
    for needed in ("email", "state"):
        if needed not in found:
            raise BadFile(f"no_{needed}")
    return found


def _line(number: int, cells: list[str], columns: dict[str, int], zone: ZoneInfo, now: datetime) -> Said | Wrong:
    if len(cells) <= max(columns["email"], columns["state"]):
        return Wrong(number, "cells")
    given = {name: cells[place].strip()[:MAX_CELL] if place < len(cells) else "" for name, place in columns.items()}
    address = normalise_email(given["email"].lstrip("'"))
    if address is None:
        return Wrong(number, "email", given["email"][:SHOWN])
    state = _BY_STATE.get(_bare(given["state"]))
    if state is None:
        return Wrong(number, "state", given["state"][:SHOWN])
    at = _moment(given.get("at", ""), zone)
    if at is None:
        return Wrong(number, "at", given["at"][:SHOWN])
    if at > now:
        return Wrong(number, "future", given["at"][:SHOWN])
    ticked = _bare(given.get("source", "")) in _CHECKBOX
    return Said(number, address, state, ConsentSource.CHECKBOX if ticked else ConsentSource.CONSENT, at)


def _bare(cell: str) -> str:
    return re.sub(r"[\s_\-]+", "", cell).lower()


def _moment(cell: str, zone: ZoneInfo) -> datetime | None:
    """A date or a moment, of the shop's zone unless it names one; oldest for none at all; None when it is neither."""
    if not cell:
        return OLDEST
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        match = _DATE.fullmatch(cell)
        if match is None:
            return None
        year, month, day, before, hour, minute, second, behind = match.groups()
        half = (before or behind or "").lower()
        hours = int(hour or 0)
        if half:
            hours = hours % 12 + (12 if half in ("오후", "pm") else 0)
        try:
            at = datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=zone)
        except ValueError:
            return None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return at.astimezone(UTC) if 1990 <= at.year < 9000 else None
