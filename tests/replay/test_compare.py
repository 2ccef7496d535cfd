"""The comparison of expected and arrived: each kind of offence is found, and only then."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from tests.replay.compare import Judgement, judge, lateness, lines, table
from tests.replay.ledger import DAY
from tests.replay.mails import Arrival, arrival_of
from tests.replay.oracle import Expected
from tests.replay.rules import CLASSES

TOLERANCE = 60.0
IDS = count(1)


def due(step: str, at: float, name: str = "#1001", subject: str = "o", *, demanded: bool = True) -> Expected:
    return Expected(f"id of {name}", name, step, subject, "c@example.com", "en", at, at, at, at + TOLERANCE, demanded)


def came(step: str, at: float, name: str = "#1001", ref: str = "", **other: Any) -> Arrival:
    ref = ref or f"{name} {step} {at}"
    names = frozenset({name} if name else ())
    arrival = Arrival(str(next(IDS)), at, "c@example.com", step, ref, f"<{ref}>", step, names, "en")
    return replace(arrival, **other)


def judged(expected: list[Expected], arrivals: list[Arrival], cutoff: float = float("inf")) -> Judgement:
    return judge(expected, arrivals, tolerance=TOLERANCE, slack=1, cutoff=cutoff)


def found(result: Judgement) -> dict[str, int]:
    return {kind: len(offences) for kind, offences in result.offences.items() if offences}


TWO = [due("shipped", 100, subject="1"), due("shipped", 900, subject="2")]
CASES = {
    "all in time": (TWO, [came("shipped", 101), came("shipped", 950)], {}),
    "one missing": (TWO, [came("shipped", 950)], {"missing": 1}),
    "one late": (TWO, [came("shipped", 300), came("shipped", 950)], {"late": 1}),
    "one early": (TWO, [came("shipped", 101), came("shipped", 500)], {"early": 1}),
    "one too many": (TWO, [came("shipped", 101), came("shipped", 120), came("shipped", 950)], {"unexpected": 1}),
    "a step that nobody asked for": (TWO[:1], [came("shipped", 101), came("survey", 101)], {"unexpected": 1}),
    "a stranger": (TWO[:1], [came("shipped", 101), came("shipped", 102, to="x@example.com")], {"unexpected": 1}),
    "another order's": (TWO[:1], [came("shipped", 101, "#1002")], {}),
    "the same key again": (
        TWO[:1], [came("shipped", 101, ref="k"), came("shipped", 130, ref="k", message_id="<m>")], {"duplicated": 1}),
    "the same Message-ID again": (
        TWO[:1], [came("shipped", 101, message_id="<m>"), came("shipped", 130, message_id="<m>")], {"duplicated": 1}),
    "another language": (TWO[:1], [came("shipped", 101, language="ko")], {"language": 1}),
    "a header lacking": (TWO[:1], [came("shipped", 101, faults=("lacks Date",))], {"malformed": 1}),
    "allowed and came": ([due("survey", 100, demanded=False)], [came("survey", 101)], {}),
    "allowed and did not": ([due("survey", 100, demanded=False)], [], {}),
    "allowed, but late": ([due("survey", 100, demanded=False)], [came("survey", 400)], {"late": 1}),
    "a follow-up counts from its cross-sell": (
        [due("cross_sell", 100), due("cross_sell_follow_up", 100 + 3 * DAY)],
        [came("cross_sell", 150), came("cross_sell_follow_up", 200 + 3 * DAY)], {}),
    "a follow-up too soon after it": (
        [due("cross_sell", 100), due("cross_sell_follow_up", 100 + 3 * DAY)],
        [came("cross_sell", 150), came("cross_sell_follow_up", 3 * DAY)], {"early": 1}),
    "no follow-up without it": (
        [due("cross_sell", 100), due("cross_sell_follow_up", 100 + 3 * DAY)],
        [came("cross_sell_follow_up", 110 + 3 * DAY)], {"missing": 1, "unexpected": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_offences(name: str) -> None:
    expected, arrivals, wanted = CASES[name]
    result = judged(expected, arrivals)
    assert (found(result), result.clean) == (wanted, not wanted)


def test_a_mail_that_names_its_order_is_that_orders() -> None:
    expected = [due("survey", 100, "#1001"), due("survey", 100, "#1002")]
    result = judged(expected, [came("survey", 101, "#1002"), came("survey", 102, "")])
    assert {e.name: a.at for e, a in result.pairs} == {"#1002": 101, "#1001": 102}


def test_the_demanded_have_the_first_choice() -> None:
    expected = [due("shipped", 90, subject="2", demanded=False), due("shipped", 100, subject="1")]
    result = judged(expected, [came("shipped", 120)])
    assert result.clean
    assert [e.subject for e in result.forgone] == ["2"]


def test_an_arrival_is_handed_on_so_that_all_are_met() -> None:
    expected = [due("shipped", 100, subject="1"), due("shipped", 140, subject="2")]
    assert judged(expected, [came("shipped", 150), came("shipped", 190)]).clean
    assert judged(expected, [came("shipped", 105), came("shipped", 150)]).clean


def test_nothing_after_the_end_counts() -> None:
    assert judged([due("survey", 100)], [came("survey", 101), came("survey", 700)], cutoff=600).clean


def test_the_table_counts() -> None:
    expected = [*TWO, due("survey", 100), due("survey", 500, demanded=False)]
    result = judged(expected, [came("shipped", 110), came("survey", 105), came("promo", 7)])
    rows = {row["step"]: row for row in table(result, expected, TOLERANCE, speed=10)}
    assert {k: rows["shipped"][k] for k in ("demanded", "arrived", "missing")} == {
        "demanded": 2,
        "arrived": 1,
        "missing": 1,
    }
    assert (rows["survey"]["allowed"], rows["survey"]["allowed_came"]) == (1, 0)
    assert rows["promo"]["unexpected"] == 1
    assert (rows["all"]["demanded"], rows["all"]["arrived"], rows["all"]["unexpected"]) == (3, 2, 1)
    assert rows["all"]["late_real_s"] == {"p50": 0.5, "p95": 1.0, "p99": 1.0, "p100": 1.0}
    assert lines(list(rows.values()))[1].startswith("thank_you")


def test_lateness_leaves_out_what_has_no_single_moment() -> None:
    wide = replace(due("survey", 100), deadline=5000.0)
    assert lateness([(wide, came("survey", 4000))], TOLERANCE) == {}


def full(step: str, **other: Any) -> dict[str, Any]:
    """A message as the sink tells it, without fault."""
    kind = CLASSES[step]
    headers = [["Reply-To", "help@shop.example"], ["Date", "Mon, 02 Nov 2026 09:00:00 +0000"]]
    if kind != "transactional":
        headers += [
            ["List-Unsubscribe", "<https://shop.example/u/t>"],
            ["List-Unsubscribe-Post", "List-Unsubscribe=One-Click"],
        ]
    return {
        "id": "1", "arrived": 5.0, "to": ["C@example.com"], "subject": "Your order #1001", "step": step, "ref": "k",
        "message_id": "<k@shop.example>", "feedback_id": f"{step}:post_purchase:{kind}:abc12", "headers": headers,
        "text": "Parcel #1001.1 is on its way.", "html": "<p>x</p>", "bare_lf": False} | other  # fmt: skip


def test_reading_a_mail() -> None:
    arrival = arrival_of(full("shipped"), lambda real: real * 2)
    assert (arrival.at, arrival.to, sorted(arrival.names), arrival.language) == (10, "c@example.com", ["#1001"], "en")
    assert arrival.faults == ()
    assert arrival_of(full("survey", text="주문하신 상품은 어떠셨나요? " * 10), float).language == "ko"


FLAWS: dict[str, tuple[str, dict[str, Any]]] = {
    "a Message-ID": ("shipped", {"message_id": ""}),
    "X-Entity-Ref-ID": ("shipped", {"ref": ""}),
    "class service in Feedback-ID": ("survey", {"feedback_id": "survey:post_purchase:marketing:abc12"}),
    "Feedback-ID of four fields": ("shipped", {"feedback_id": "shipped:post_purchase:transactional:abc"}),
    "a text part": ("shipped", {"text": " "}),
    "lines that end in CRLF": ("shipped", {"bare_lf": True}),
    "(광고) at the start of a Korean marketing subject": (
        "cross_sell",
        {"text": "함께 쓰기 좋은 상품을 골랐습니다. " * 10},
    ),
}


@pytest.mark.parametrize("name", FLAWS)
def test_flawed_mails(name: str) -> None:
    step, change = FLAWS[name]
    assert arrival_of(full(step, **change), float).faults == (f"lacks {name}",)


def test_service_mail_needs_its_unsubscribe_headers() -> None:
    mail = full("survey", headers=full("shipped")["headers"])
    assert len(arrival_of(mail, float).faults) == 2
