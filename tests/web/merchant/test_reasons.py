"""Reasons in Korean, and the marks of pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugin.channels.email import replies
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
    ("sent 12 Nov 10:03 UTC", "11월 12일 19:03에 보냈습니다"),
    ("told with #1001.1", "#1001.1 안내에 함께 담았습니다"),
    ("too late: it was due 2 Jan 09:00 UTC", "때가 지나 보내지 않습니다. 예정: 1월 2일 18:00"),
    ("deferred to 09:00 in Seoul", "조용한 시간이라 Seoul 시간 09:00까지 미룹니다"),
    ("deferred to 3 Dec 22:00 UTC: enough messages for now", "당분간 충분히 보냈으므로 12월 4일 07:00까지 미룹니다"),
    ("the customer bought again: #1002", "고객님이 다시 주문했습니다: #1002"),
    ("will be tried again: outcome unknown", "다시 시도합니다: 보냈는지 확인되지 않습니다"),
    ("outcome unknown: it was due before the database was restored", "보냈는지 확인되지 않습니다"),
    ("there is no such mailbox (550 5.1.1)", "존재하지 않는 메일 주소입니다 (550 5.1.1)"),
    ("something that nobody foresaw", "something that nobody foresaw"),
])  # fmt: skip
def test_reasons_that_hold_a_value(text: str, korean: str) -> None:
    assert reason(text, "ko", "Asia/Seoul", datetime(2026, 11, 20, tzinfo=UTC)) == korean


@pytest.mark.parametrize(("now", "told"), [
    (datetime(2026, 12, 30, tzinfo=UTC), "Deferred to 2 Jan 04:00: enough messages for now"),
    (datetime(2026, 6, 30, tzinfo=UTC), "Deferred to 2 Jan 04:00: enough messages for now"),
])  # fmt: skip
def test_moments_are_told_in_the_shop_s_zone(now: datetime, told: str) -> None:
    """As everything else on the page is; the zone's offset is the day's."""
    assert reason("deferred to 2 Jan 09:00 UTC: enough messages for now", "en", "America/New_York", now) == told
    summer = reason("deferred to 2 Jul 09:00 UTC: enough messages for now", "en", "America/New_York", now)
    assert summer == "Deferred to 2 Jul 05:00: enough messages for now"


@pytest.mark.parametrize("text", ["deferred to 29 Feb 09:00 UTC: x", "deferred to 31 Foo 09:00 UTC: x"])
def test_a_strange_date_is_no_error(text: str) -> None:
    assert reason(text, "en", "Asia/Seoul", datetime(2026, 11, 20, tzinfo=UTC)).startswith("Deferred to")


def mail_reasons() -> set[str]:
    """What the mail channel says, with a code where one is filled in."""
    channel = Path(replies.__file__).parent
    found = set()
    for path in channel.glob("*.py"):
        source = path.read_text()
        found |= set(re.findall(r'(?:Retryable|Permanent|OutcomeUnknown)\(f?"([^"{][^"]+)"', source))
        found |= {f"{what} (550)" for what in re.findall(r'what = "([^"]+)"', source)}
        found |= {f"{what} (550)" for what in re.findall(r'what = "[^"]+" if .+ else "([^"]+)"', source)}
    return {re.sub(r"\{[^}]+\}", "550", text) for text in found}


def test_what_the_mail_server_says_is_korean_too() -> None:
    found = mail_reasons()
    assert len(found) > 20
    told = {text: reason(text, "ko") for text in found}
    assert [text for text, ko in told.items() if not re.search("[가-힣]", ko) or ko.startswith("메일 서버: ")] == []


@pytest.mark.parametrize("at", [None, datetime(2026, 11, 2, 9, 0, 0, 123456, UTC), datetime(1970, 1, 1, tzinfo=UTC)])
def test_a_mark_comes_back_as_it_was(at: datetime | None) -> None:
    assert read_mark(mark_text(at, 17)) == (at, 17)
