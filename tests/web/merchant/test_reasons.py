"""Reasons in Korean, and the marks of pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugin.domain import timeline
from plugin.web.merchant.paging import mark_text, read_mark
from plugin.web.merchant.reasons import reason

RULES = Path(timeline.__file__).parent
SERVICES = RULES.parent / "services"


def literals() -> set[str]:
    """Every reason that stands as a plain sentence in the rules and at the door."""
    rules = ("timeline", "gates", "consent", "delivery_estimate", "joined_parcels")
    files = [RULES / f"{name}.py" for name in rules]
    files += [SERVICES / f"{name}.py" for name in ("leave", "histories", "letters")]
    found = set()
    for path in files:
        source = path.read_text()
        for pattern in (r'reason="([^"{]+)"', r'return "([a-z][^"{]+ [^"{]+)"', r'NoDelivery\("([^"{]+)"',
                        r'Stay\([^"()]*"([^"{]+)"', r'"(due [^"{]+|waits [^"{]+|asks [^"{]+)"'):  # fmt: skip
            found |= set(re.findall(pattern, source))
    return found


def test_every_plain_reason_has_its_korean() -> None:
    found = literals()
    assert len(found) > 30
    assert [text for text in sorted(found) if not re.search("[가-힣]", reason(text, "ko"))] == []


@pytest.mark.parametrize(("text", "korean"), [
    ("sent 12 Nov 10:03 UTC", "11월 12일 10:03 (UTC)에 보냈습니다"),
    ("told with #1001.1", "#1001.1 안내에 함께 담았습니다"),
    ("too late: it was due 2 Jan 09:00 UTC", "때가 지났습니다: 예정은 1월 2일 09:00 (UTC)이었습니다"),
    ("deferred to 09:00 in Seoul", "조용한 시간이라 Seoul 시간 09:00까지 미룹니다"),
    ("deferred to 3 Dec 09:00 UTC: enough messages for now",
     "당분간 충분히 보냈습니다: 12월 3일 09:00 (UTC)까지 미룹니다"),
    ("the customer bought again: #1002", "고객님이 다시 주문했습니다: #1002"),
    ("will be tried again: outcome unknown", "다시 시도합니다: outcome unknown"),
    ("outcome unknown: it was due before the database was restored", "보냈는지 확인되지 않습니다"),
    ("something that nobody foresaw", "something that nobody foresaw"),
])  # fmt: skip
def test_reasons_that_hold_a_value(text: str, korean: str) -> None:
    assert reason(text, "ko") == korean


def test_in_english_a_reason_is_a_sentence() -> None:
    assert reason("waits for delivery", "en") == "Waits for delivery"


@pytest.mark.parametrize("at", [None, datetime(2026, 11, 2, 9, 0, 0, 123456, UTC), datetime(1970, 1, 1, tzinfo=UTC)])
def test_a_mark_comes_back_as_it_was(at: datetime | None) -> None:
    assert read_mark(mark_text(at, 17)) == (at, 17)
