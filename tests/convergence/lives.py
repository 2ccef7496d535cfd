"""Hypothesis draws what happens to one or two customers and their orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st

from tests.convergence.payloads import Json, Platform

GAPS = st.sampled_from([timedelta(seconds=s) for s in (0, 0, 1, 90, 3600, 86400, 3 * 86400)])
KINDS = st.sampled_from(["web", "web", "web", "pos", "pickup", "test", "nobody"])
LINES = st.lists(st.tuples(st.integers(1, 2), st.sampled_from([True, True, False])), min_size=1, max_size=3)
WORDS = st.sampled_from(["in_transit", "out_for_delivery", "attempted_delivery", "delayed", "delivered", "delivered"])
STATES = st.sampled_from(["subscribed", "subscribed", "unsubscribed", "not_subscribed", "pending"])
CUSTOMERS = st.integers(1, 2)
Deed = Callable[[Platform, st.DrawFn], None]


def _order(platform: Platform, draw: st.DrawFn) -> Json:
    return draw(st.sampled_from(platform.orders))


def _parcel(platform: Platform, draw: st.DrawFn) -> Json | None:
    parcels = [parcel for order in platform.orders for parcel in order["fulfillments"]]
    return draw(st.sampled_from(parcels)) if parcels else None


def place(platform: Platform, draw: st.DrawFn) -> None:
    if len(platform.orders) < 3:
        platform.place(draw(CUSTOMERS), draw(LINES), accepts=draw(st.booleans()), kind=draw(KINDS))


def ship(platform: Platform, draw: st.DrawFn) -> None:
    chosen = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    platform.ship(_order(platform, draw), chosen, number=draw(st.booleans()))


def track(platform: Platform, draw: st.DrawFn) -> None:
    if parcel := _parcel(platform, draw):
        platform.track(parcel, draw(WORDS))


def number(platform: Platform, draw: st.DrawFn) -> None:
    if parcel := _parcel(platform, draw):
        platform.number(parcel)


def call_off(platform: Platform, draw: st.DrawFn) -> None:
    if parcel := _parcel(platform, draw):
        platform.call_off(parcel)


def refund(platform: Platform, draw: st.DrawFn) -> None:
    platform.refund(_order(platform, draw), draw(st.integers(0, 3)), draw(st.integers(0, 2)),
                    all_money=draw(st.sampled_from([False, False, True])))  # fmt: skip


def edit(platform: Platform, draw: st.DrawFn) -> None:
    platform.edit(_order(platform, draw), draw(st.integers(1, 2)))


def consent(platform: Platform, draw: st.DrawFn) -> None:
    platform.consent(draw(CUSTOMERS), draw(STATES), timed=draw(st.sampled_from([True, True, True, False])))


DEEDS: list[Deed] = [
    place, place, ship, ship, track, track, track, number, call_off, refund, edit, consent, consent,
    lambda platform, draw: platform.pay(_order(platform, draw)),
    lambda platform, draw: platform.rename(_order(platform, draw)),
    lambda platform, draw: platform.correct_address(_order(platform, draw)),
    lambda platform, draw: platform.cancel(_order(platform, draw)),
    lambda platform, draw: platform.delete(_order(platform, draw)),
    lambda platform, draw: platform.change_customer(draw(CUSTOMERS)),
    lambda platform, draw: platform.merge(),
]  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> Platform:
    """A platform after up to nine deeds, the first of them an order."""
    platform = Platform()
    place(platform, draw)
    for _ in range(draw(st.integers(1, 8))):
        platform.wait(draw(GAPS))
        draw(st.sampled_from(DEEDS))(platform, draw)
    return platform
