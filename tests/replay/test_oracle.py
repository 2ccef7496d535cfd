"""The oracle on hand-made lives: what happened on the left, what the timeline then demands on the right."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.replay.estimates import blend, bounds, estimates
from tests.replay.ledger import DAY, Order, order_of, subscribers
from tests.replay.oracle import Expected, expect

TOPICS = {
    "placed": ["orders/create", "orders/paid"],
    "consent": ["customers_email_marketing_consent/update"],
    "shipped": ["fulfillments/create", "orders/fulfilled", "orders/updated"],
    "tracking": ["fulfillments/update"],
    "cancelled": ["refunds/create", "orders/cancelled", "orders/updated"],
    "refunded": ["refunds/create", "orders/updated"],
    "in_transit": ["fulfillment_events/create", "fulfillments/update"],
    "delayed": ["fulfillment_events/create", "fulfillments/update"],
    "delivered": ["fulfillment_events/create", "fulfillments/update", "orders/updated"],
}
LIVES = """
a parcel seen delivered
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 03 Nov 20:00 in_transit 1 / 05 Nov 12:00 delivered 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1 / 09 Nov 09:00 cross_sell /
       09 Nov 12:00 survey / 12 Nov 09:00 cross_sell_follow_up

nobody sees it delivered: seven days
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 03 Nov 20:00 in_transit 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 10 Nov 10:00 delivered 1 / 11 Nov 10:00 cross_sell /
       14 Nov 10:00 survey / 14 Nov 10:00 cross_sell_follow_up

in transit lately: later steps wait until the word is five days old
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 08 Nov 12:00 in_transit 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 10 Nov 10:00 delivered 1 / 13 Nov 12:00 cross_sell /
       14 Nov 10:00 survey / 16 Nov 12:00 cross_sell_follow_up

delayed: later steps wait for the delivery
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 08 Nov 12:00 delayed 1 / 20 Nov 09:00 delivered 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 10 Nov 10:00 delivered 1 / 21 Nov 09:00 cross_sell /
       24 Nov 09:00 survey / 24 Nov 09:00 cross_sell_follow_up

a delivery after the estimate moves what is not sent
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 03 Nov 20:00 in_transit 1 / 12 Nov 10:00 delivered 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 10 Nov 10:00 delivered 1 / 11 Nov 10:00 cross_sell /
       14 Nov 10:00 cross_sell_follow_up / 16 Nov 10:00 survey

two parcels within minutes share a message
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 a / 03 Nov 10:07 shipped 2 b / 05 Nov 12:00 delivered 1 /
       06 Nov 12:00 delivered 2
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1 / 06 Nov 12:00 delivered 2 /
       09 Nov 09:00 cross_sell / 10 Nov 12:00 survey / 12 Nov 09:00 cross_sell_follow_up

two parcels a day apart do not
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 a / 04 Nov 10:00 shipped 2 b / 05 Nov 12:00 delivered 1 /
       10 Nov 12:00 delivered 2
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 04 Nov 10:10 shipped 2 / 05 Nov 12:00 delivered 1 /
       10 Nov 12:00 delivered 2 / 11 Nov 12:00 cross_sell / 14 Nov 12:00 survey /
       14 Nov 12:00 cross_sell_follow_up

a number after an hour, and a parcel that joins meanwhile
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 a none / 03 Nov 10:30 shipped 2 b / 03 Nov 11:00 tracking 1 /
       15 Nov 09:00 refunded ab
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 @ 03 Nov 11:00 / 10 Nov 10:00 delivered 1 /
       10 Nov 10:30 delivered 2 / 11 Nov 10:30 cross_sell / 14 Nov 10:30 survey /
       14 Nov 10:30 cross_sell_follow_up

no number within two hours
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab none / 03 Nov 14:00 tracking 1 / 03 Nov 15:00 refunded ab
    -> 02 Nov 09:00 thank_you / 03 Nov 12:00 shipped 1 / 10 Nov 10:00 delivered 1

cancelled
    02 Nov 09:00 placed / 02 Nov 12:00 cancelled
    -> 02 Nov 09:00 thank_you

refunded in full while on its way
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 04 Nov 12:00 refunded ab / 05 Nov 12:00 delivered 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1

refunded in full before it was handed over: the design's words allow its news
    02 Nov 09:00 placed / 02 Nov 12:00 refunded ab / 03 Nov 10:00 shipped 1 ab / 05 Nov 12:00 delivered 1
    -> 02 Nov 09:00 thank_you / may 03 Nov 10:10 shipped 1 / may 05 Nov 12:00 delivered 1

a backorder holds what waits for the last delivery
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 a / 05 Nov 12:00 delivered 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1

and the refund of its line releases it
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 a / 05 Nov 12:00 delivered 1 / 12 Nov 10:00 refunded b
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1 /
       09 Nov 09:00 cross_sell @ 12 Nov 10:00 / 09 Nov 12:00 survey @ 12 Nov 10:00 /
       15 Nov 10:00 cross_sell_follow_up

digital: delivered when fulfilled
    digital: 02 Nov 09:00 placed / 02 Nov 09:05 shipped 1 ab none
    -> 02 Nov 09:00 thank_you / 02 Nov 09:05 delivered 1 / 06 Nov 09:05 survey / 09 Nov 09:00 cross_sell /
       12 Nov 09:00 cross_sell_follow_up

over the counter
    pos: 02 Nov 09:00 placed / 02 Nov 09:00 shipped 1 ab none
    -> 02 Nov 09:00 thank_you / 06 Nov 09:00 survey / 09 Nov 09:00 cross_sell /
       12 Nov 09:00 cross_sell_follow_up

a test
    test: 02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 05 Nov 12:00 delivered 1
    -> nothing

no address
    no_email: 02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab
    -> nothing

an opt-out stops the survey and the cross-sell
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 05 Nov 12:00 delivered 1 /
       08 Nov 09:00 consent unsubscribed
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1

an opt-out within the tolerance of the cross-sell: either
    02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 05 Nov 12:00 delivered 1 /
       09 Nov 09:00 consent unsubscribed
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1 / may 09 Nov 09:00 cross_sell

no consent, no marketing
    no: 02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 05 Nov 12:00 delivered 1
    -> 02 Nov 09:00 thank_you / 03 Nov 10:10 shipped 1 / 05 Nov 12:00 delivered 1 / 09 Nov 12:00 survey

news that comes late
    02 Nov 09:00 placed told 02 Nov 15:00 / 03 Nov 10:00 shipped 1 ab told 04 Nov 10:00 /
       05 Nov 12:00 delivered 1 told 05 Nov 22:00
    -> 02 Nov 09:00 thank_you @ 02 Nov 15:00 / 03 Nov 10:10 shipped 1 @ 04 Nov 10:00 /
       05 Nov 12:00 delivered 1 @ 05 Nov 22:00 / 09 Nov 09:00 cross_sell / 09 Nov 12:00 survey /
       12 Nov 09:00 cross_sell_follow_up

news that comes too late
    02 Nov 09:00 placed told 03 Nov 15:00 / 03 Nov 10:00 shipped 1 ab told 06 Nov 20:00 /
       05 Nov 12:00 delivered 1 told 08 Nov 22:00
    -> 09 Nov 09:00 cross_sell / 09 Nov 12:00 survey / 12 Nov 09:00 cross_sell_follow_up

a refund that overtakes the order
    02 Nov 09:00 placed told 02 Nov 15:00 / 02 Nov 10:00 cancelled
    -> nothing
"""


def at(text: str) -> float:
    return datetime.strptime(f"2026 {text} +0000", "%Y %d %b %H:%M %z").timestamp()


def show(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %H:%M")


def live(story: str, number: int = 1001, customer: str = "7") -> Order:
    """An order of two lines, a and b, from `kind: day month time what details [told day month time] / …`.

    Without `told` all topics tell two seconds later. The first told time of a fact holds for all its topics.
    """
    kind, _, rest = story.partition(": ") if ": " in story else ("normal", "", story)
    order_id, events, deliveries = str(5000 + number), list[dict[str, Any]](), list[dict[str, Any]]()
    for i, part in enumerate(rest.split(" / "), start=1):
        part, _, told = part.partition(" told ")
        when, (what, *words) = at(part[:12]), part[13:].split()
        event: dict[str, Any] = {"at": iso(when), "what": what, "topics": TOPICS[what]}
        if what == "consent":
            event["state"] = words[0]
        elif what == "refunded":
            event |= {"lines": list(words[0]), "full": words[0] == "ab"}
        elif words:
            event |= {"parcel": int(words[0]), "carrier": "DPD"}
            if what == "shipped":
                event |= {"lines": list(words[1]), "number": None if "none" in words else "N1"}
        events.append(event)
        event_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{order_id}:{i}"))
        heard = at(told) if told else when + 2
        deliveries += [
            {"at": iso(heard), "topic": topic, "webhook_id": topic, "event_id": event_id} for topic in TOPICS[what]
        ]
        deliveries.append(deliveries[-1] | {"at": iso(heard + 3600), "note": "duplicate"})
    placed = next(e["at"] for e in events if e["what"] == "placed")
    lines = [{"id": id, "requires_shipping": kind != "digital"} for id in "ab"]
    return order_of({
        "order_id": order_id, "name": f"#{number}", "kind": "normal" if kind == "no" else kind, "country_code": "GB",
        "email": None if kind == "no_email" else f"c{customer}@example.com", "customer": {"id": customer},
        "placed_at": placed, "locale": "ko-KR", "lines": lines, "events": events,
        "deliveries": deliveries})  # fmt: skip


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def told_of(expected: list[Expected]) -> list[str]:
    """As the tables write it: the due time, and after @ the moment it was known where that is minutes later."""
    texts = []
    for e in expected:
        parcel = f" {e.subject}" if e.step in ("shipped", "delivered") else ""
        known = f" @ {show(e.earliest)}" if e.earliest - e.due_at > 60 else ""
        texts.append(f"{'' if e.demanded else 'may '}{show(e.due_at)} {e.step}{parcel}{known}")
    return texts


def rows(table: str) -> list[Any]:
    """(story, what is wanted) of each block, named by its first line."""
    cases = []
    for block in table.strip().split("\n\n"):
        name, rest = block.split("\n", 1)
        story, wanted = (" ".join(half.split()) for half in rest.split("->"))
        cases.append(pytest.param(story, [] if wanted == "nothing" else wanted.split(" / "), id=name))
    return cases


@pytest.mark.parametrize(("story", "wanted"), rows(LIVES))
def test_one_order(story: str, wanted: list[str]) -> None:
    ticked = frozenset[str]() if story.startswith("no: ") else frozenset({"c7@example.com"})
    assert sorted(told_of(expect([live(story)], ticked, tolerance=60))) == sorted(wanted)


OLD = "02 Nov 09:00 placed / 03 Nov 10:00 shipped 1 ab / 05 Nov 12:00 delivered 1"
BOUGHT = ("02 Nov 09:00 thank_you", "03 Nov 10:10 shipped 1", "05 Nov 12:00 delivered 1", "09 Nov 12:00 survey")
NEWER = """
a newer order ends the open cross-sell
    08 Nov 09:00 placed
    -> nothing

one that is cancelled before it would leave does not
    08 Nov 09:00 placed / 08 Nov 20:00 cancelled
    -> 09 Nov 09:00 cross_sell / 12 Nov 09:00 cross_sell_follow_up

one that is cancelled later lets it return
    08 Nov 09:00 placed / 10 Nov 20:00 cancelled
    -> 09 Nov 09:00 cross_sell @ 10 Nov 20:00 / 13 Nov 20:00 cross_sell_follow_up

a test does not
    test: 08 Nov 09:00 placed
    -> 09 Nov 09:00 cross_sell / 12 Nov 09:00 cross_sell_follow_up

one after the cross-sell ends the follow-up
    11 Nov 09:00 placed
    -> 09 Nov 09:00 cross_sell

one without an address is still the customer's
    no_email: 08 Nov 09:00 placed
    -> nothing

an older one told late is not newer
    01 Nov 09:00 placed told 09 Nov 08:00
    -> 09 Nov 09:00 cross_sell / 12 Nov 09:00 cross_sell_follow_up
"""


@pytest.mark.parametrize(("story", "wanted"), rows(NEWER))
def test_two_orders_of_one_customer(story: str, wanted: list[str]) -> None:
    """The older order's messages; `wanted`: those besides the four that come in any case."""
    found = expect([live(OLD), live(story, 1002)], frozenset({"c7@example.com"}), tolerance=60)
    assert sorted(told_of([e for e in found if e.name == "#1001"])) == sorted((*BOUGHT, *wanted))


def test_another_customers_order_changes_nothing() -> None:
    alone = expect([live(OLD)], frozenset({"c7@example.com"}), tolerance=60)
    both = expect([live(OLD), live("08 Nov 09:00 placed", 1002, "8")], frozenset({"c7@example.com"}), tolerance=60)
    assert [e for e in both if e.name == "#1001"] == alone


def test_language_and_address() -> None:
    first = expect([live(OLD)], frozenset(), tolerance=60)[0]
    assert (first.language, first.to, first.order_id) == ("ko", "c7@example.com", "6001")


def test_the_end_of_the_replay_demands_nothing_beyond_it() -> None:
    found = expect([live(OLD)], frozenset(), tolerance=60, cutoff=at("05 Nov 12:00") + 30)
    assert told_of(found) == ["02 Nov 09:00 thank_you", "03 Nov 10:10 shipped 1", "may 05 Nov 12:00 delivered 1"]


def test_estimates_learn_from_what_was_delivered_before() -> None:
    story = "02 Nov 09:00 placed / 03 Nov 00:00 shipped 1 ab / 0{day} Nov 00:00 delivered 1"
    past = [live(story.format(day=5 + n % 2), 1100 + n, str(n)) for n in range(4)]
    now = live("06 Nov 09:00 placed / 07 Nov 00:00 shipped 1 ab", 1200, "99")
    guess = estimates([*past, now], 60)[now.id, 1]
    assert guess.low == guess.middle == guess.high == at("07 Nov 00:00") + (4 * 2.5 * DAY + 20 * 7 * DAY) / 24
    assert estimates([*past, now], 60)[past[0].id, 1].middle == at("10 Nov 00:00")


def test_estimates_span_what_was_just_becoming_known() -> None:
    assert blend([]) == 7 * DAY
    low, high = bounds([2 * DAY, 3 * DAY], [DAY, 9 * DAY])
    choices: tuple[list[float], ...] = ([], [DAY], [9 * DAY], [DAY, 9 * DAY])
    assert (low, high) == (
        min(blend([2 * DAY, 3 * DAY, *c]) for c in choices),
        max(blend([2 * DAY, 3 * DAY, *c]) for c in choices),
    )


def test_subscribers_are_those_whom_a_topic_or_the_api_subscribed() -> None:
    yes = live("02 Nov 09:00 placed / 02 Nov 09:01 consent subscribed", 1001, "1")
    no = live("02 Nov 09:00 placed", 1002, "2")
    assert subscribers([yes, no], ["C3@example.com"]) == {"c1@example.com", "c3@example.com"}


def test_a_delivery_of_no_known_fact_is_refused() -> None:
    order = {
        "order_id": "1",
        "name": "#1",
        "events": [],
        "deliveries": [{"event_id": "?", "topic": "x", "at": "2026-11-02"}],
    }
    with pytest.raises(ValueError, match="no fact has the event id"):
        order_of(order)
