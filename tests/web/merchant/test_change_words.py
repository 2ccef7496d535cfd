"""How the change log reads: no code, no path and no other language where the pages have words."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plugin.services import changes
from plugin.services.changes import ChangeLine
from plugin.web.merchant.actors import actor
from plugin.web.merchant.change_words import ChangeWords
from schemas.settings import STEPS

CODES = {"issue.owner", "issue.answered", "issue.outcome", "message.cancel", "message.send_now", "message.send_again",
         *(f"step.{step}" for step in STEPS)}  # fmt: skip
PLACE = {"record_change": 3, "change_settings": 5}  # of the code among what they are called with
PROGRAM = Path(changes.__file__).parents[1]


def codes() -> set[str]:
    """Every code that the program writes down as it stands."""
    found: set[str] = set()
    for path in PROGRAM.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
            if isinstance(call, ast.Call) and name in PLACE:
                texts = (arg.value for arg in call.args[PLACE[name]:][:1] if isinstance(arg, ast.Constant))
                found |= {text for text in texts if isinstance(text, str)}
    return found


def line(before: dict[str, Any] | None, after: dict[str, Any] | None) -> ChangeLine:
    return ChangeLine(1, "command line", "settings", before, after, datetime(2026, 11, 2, tzinfo=UTC))


def told(language: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    reads = ChangeWords(language, "Asia/Seoul", {"7001": "Green tea"}, "EUR")
    return list(reads.differences(line(before, after)))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_whatever_is_written_down_has_words(language: str) -> None:
    assert {"desk.hours", "api_key.make", "wording"} <= codes()
    reads = ChangeWords(language, None, {})
    assert [code for code in sorted(codes() | CODES) if reads.said(code) == code] == []


@pytest.mark.parametrize(("before", "after", "reads"), [
    (None, {"days": {"tue": [["10:00", "12:30"], ["13:30", "18:00"]], "mon": [["10:00", "18:00"]]}, "zone": "UTC"},
     [("Time zone", "", "UTC"), ("Monday", "", "10:00–18:00"), ("Tuesday", "", "10:00–12:30, 13:30–18:00")]),
    ({"state": "waiting"}, {"state": "cancelled", "step": "survey", "order": "#1001"},
     [("Order", "", "#1001"), ("State", "Waiting", "Cancelled"), ("Message", "", "Survey")]),
    ({"outcome": None}, {"outcome": "lost", "issue": 7}, [("Issue", "", "7"), ("Closed as", "", "Lost")]),
    (None, {"how_to": {"7001": "https://x.example", "7002": "https://y.example"}},
     [("Green tea", "", "https://x.example"), ("7002", "", "https://y.example")]),
    (None, {"offers": {"enabled": True, "first_below": {"kind": "amount", "minor": 500, "days": 30}}},
     [("Offers: switch", "", "On"), ("Small first orders: days", "", "30"),
      ("Small first orders: what", "", "An amount of money off"), ("Small first orders: amount", "", "€5.00")]),
    ({"marketing": "consent"}, {"marketing": "soft_opt_in"},
     [("Marketing policy", "Only who agreed", "Customers too, where their law allows it")]),
    ({"steps": {"survey": {"delay_minutes": 1440}}}, {"steps": {"survey": {"delay_minutes": 0}}},
     [("Survey: delay", "1 day", "at once")]),
])  # fmt: skip
def test_fields_and_values(
    before: dict[str, Any] | None, after: dict[str, Any], reads: list[tuple[str, str, str]]
) -> None:
    assert told("en", before, after) == reads
    korean = [field for field, _, _ in told("ko", before, after)]
    assert all(re.search("[가-힣]", field) or field in ("Green tea", "7002") for field in korean)


@pytest.mark.parametrize(("stored", "english", "korean"), [
    ("login link", "someone with a login link", "로그인 링크 사용자"),
    ("Shopify user 42", "Shopify user 42", "Shopify 사용자 42"),
    ("API key Warehouse", "API key Warehouse", "API 키 Warehouse"),
    ("ada@haneul.example", "ada@haneul.example", "ada@haneul.example"),
])  # fmt: skip
def test_who_it_was(stored: str, english: str, korean: str) -> None:
    assert (actor(stored, "en"), actor(stored, "ko")) == (english, korean)
