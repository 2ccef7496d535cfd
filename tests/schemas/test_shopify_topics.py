from __future__ import annotations

import json
import time
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import OrderPlaced
from schemas.shopify.subjects import body_subjects
from schemas.shopify.topics import TOPICS, Rejected, parse
from tests.schemas.shapes import (
    TRIGGERED,
    Payload,
    address,
    checkout,
    customer,
    email_consent,
    full_order,
    line,
    one_of_each,
    order,
    privacy,
    read,
    shop,
)

EACH = one_of_each()


def test_there_is_a_good_payload_for_every_topic() -> None:
    assert set(EACH) == set(TOPICS)


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_good_payload_becomes_events(topic: str) -> None:
    parsed = read(topic, EACH[topic])
    assert parsed.events
    assert parsed.reason is None


@pytest.mark.parametrize(
    "topic", ["returns/request", "app_subscriptions/update", "Orders/Create", "", "orders/\ncreate"]
)
def test_an_unknown_topic_is_kept_with_a_reason(topic: str) -> None:
    for body in (b"{}", b"not json", b"\xff"):
        parsed = parse(topic, body, triggered_at=None)
        assert parsed.events == ()
        assert parsed.reason is not None
        assert parsed.reason.startswith("topic not used by Dasi")
        assert "\n" not in parsed.reason


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe\x00", b"NaN", b'{"id": NaN}', b'{"id": ' + b"9" * 5000 + b"}", b"[" * 200_000,
             b"null", b"[]", b"5", b'"text"'],
    ids=["empty", "cut", "bytes", "nan", "nan inside", "long number", "deep", "null", "list", "number", "text"],
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    for topic in TOPICS:
        with pytest.raises(Rejected) as caught:
            parse(topic, body, triggered_at=TRIGGERED)
        assert [error["field"] for error in caught.value.errors] == ["payload"]


def test_a_naive_trigger_is_utc() -> None:
    (told, *_) = parse(
        "orders/create", json.dumps(order(updated_at=None)).encode(), triggered_at=datetime(2026, 11, 12, 10, 3)  # noqa: DTZ001
    ).events  # fmt: skip
    assert isinstance(told, OrderPlaced)
    assert told.updated_at == TRIGGERED


def quickest(work: Callable[[], object]) -> float:
    """Seconds of processor time, of three rounds: what else the machine does slows some of them down."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def test_ten_thousand_lines_are_read_and_each_costs_no_more_than_one_of_a_thousand() -> None:
    few, many = (json.dumps(order(line_items=[line(n) for n in range(count)])).encode() for count in (1_000, 10_000))
    told = parse("orders/create", many, triggered_at=TRIGGERED).events[0]
    assert isinstance(told, OrderPlaced)
    assert len(told.lines) == 10_000
    whole = quickest(lambda: parse("orders/create", many, triggered_at=TRIGGERED))
    # Ten times the lines: ten times the work. Work that grew with their square would be a hundred times.
    assert whole < 25 * quickest(lambda: parse("orders/create", few, triggered_at=TRIGGERED))
    # Against the floor, which is to decode the JSON and make nothing of it: 6 to 9 times.
    assert whole < 30 * quickest(lambda: json.loads(many))


# What a broken sender, or a person with a text editor, might put in place of any value.
WRONG = st.one_of(
    st.sampled_from(
        [None, "", " ", [], {}, True, False, 0, -1, 1, 2**53 + 1, 2**64, 10**30, 0.5, -0.0, 1e308, "example string",
         "\x00", "a\r\nb", "0000-00-00", "99999-01-01T00:00:00Z", "2026-11-12T00:00:00+25:00", "NaN", "-5", "1e9",
         "gid://shopify/Order/1", "gid://shopify/Order/", "javascript:alert(1)", "https://[", [None], [[]], [{}],
         {"id": {}}, {"": []}, "\ud800", "x" * 5000, ["x"] * 300]
    ),
    st.text(max_size=20),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values inside a payload."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[str | int, ...]] = []
    for key, below in inner:
        found += [(*path, key), *places(below, (*path, key))]
    return found


def change(payload: Payload, path: tuple[str | int, ...], value: object, drop: bool) -> None:
    holder: object = payload
    for key in path[:-1]:
        if not isinstance(holder, (dict, list)) or (isinstance(holder, dict) and key not in holder):
            return
        if isinstance(holder, list) and not (isinstance(key, int) and key < len(holder)):
            return
        holder = holder[key]  # type: ignore[index]
    if isinstance(holder, dict):
        if drop:
            holder.pop(path[-1], None)
        else:
            holder[path[-1]] = value
    elif isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder):
        holder[path[-1]] = value


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_payload_does_anything_but_parse_or_be_refused(data: st.DataObject) -> None:
    topic = data.draw(st.sampled_from(sorted(TOPICS)))
    payload = one_of_each()[topic]
    paths = places(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        wrong = deepcopy(data.draw(WRONG))  # changed in its turn by the next change
        change(payload, data.draw(st.sampled_from(paths)), wrong, data.draw(st.booleans()))
    body = json.dumps(payload).encode()
    triggered_at = data.draw(st.sampled_from([None, TRIGGERED]))
    body_subjects(body, topic)
    try:
        parsed = parse(topic, body, triggered_at=triggered_at)
    except Rejected as error:
        told = error.errors
    else:
        told = []
        assert bool(parsed.events) != bool(parsed.reason)
        shown = repr(parsed)
        shown.encode()  # no lone surrogate survives
        assert "\\x00" not in shown
        assert "\\r" not in shown
    assert all(set(one) == {"field", "message"} and all(one.values()) for one in told)


@given(st.binary(max_size=200), st.sampled_from(["", "orders/create", "customers/update", "x"]))
def test_subjects_never_raise(body: bytes, topic: str) -> None:
    body_subjects(body, topic)


def subjects(payload: object, topic: str = "") -> tuple[str | None, str | None, str | None]:
    return tuple(body_subjects(json.dumps(payload).encode(), topic))  # type: ignore[return-value]


def test_subjects() -> None:
    both = ("7133450502397", "5524199899389", None)
    assert subjects(full_order()) == both
    assert subjects(full_order(), "orders/create") == both
    assert subjects(order(customer=None)) == (None, "5524199899389", None)
    assert subjects(customer()) == ("7133450502397", None, None)
    assert subjects({"id": 5}) == (None, None, None)
    assert subjects({"id": 5}, "orders/delete") == (None, "5", None)
    assert subjects({"id": 5}, "customers/delete") == ("5", None, None)
    assert subjects({"id": 5, "phone": "+82"}, "customers_marketing_consent/update") == ("5", None, None)
    assert subjects(email_consent()) == ("7133450502397", None, None)
    assert subjects(checkout()) == ("7133450502397", None, None)
    assert subjects(shop()) == (None, None, "hanok.myshopify.com")
    assert subjects(privacy(shop_domain="HANOK.myshopify.com")) == ("7133450502397", None, "hanok.myshopify.com")
    assert subjects(privacy(shop_domain="{shop}.myshopify.com"))[2] is None
    assert subjects({"order_edit": {"order_id": 9}}) == (None, "9", None)
    assert subjects({"customerId": "gid://shopify/Customer/1"}) == ("1", None, None)
    assert subjects({"order": {"id": 3, "admin_graphql_api_id": "gid://shopify/Order/3"}}) == (None, "3", None)
    assert subjects({"deep": [{"er": "gid://shopify/Customer/77"}]}) == ("77", None, None)
    assert subjects({"id": True, "customer": {"id": [1]}, "order_id": 1.5}, "orders/create") == (None, None, None)
    assert subjects(address()) == (None, None, None)
    assert tuple(body_subjects(b'{"cut": "gid:\\/\\/shopify\\/Customer\\/8", ')) == ("8", None, None)
