"""Late, twice, shuffled, in any batches: what is known and what is planned becomes the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.clock import FixedClock
from plugin.services.context import Context
from tests.convergence.deliveries import Run
from tests.convergence.lives import lives
from tests.convergence.payloads import Hook, Platform

FRESH_SHOP = HealthCheck.function_scoped_fixture  # each run registers a shop of its own in the test's one database


@st.composite
def deliveries(draw: st.DrawFn, platform: Platform) -> list[tuple[list[tuple[Hook, str]], int]]:
    """The platform's webhooks as batches of (hook, webhook id), each with how many are ingested at once.

    Some come twice, under the same id or under a new one.
    """
    numbered = [(hook, f"w{at}") for at, hook in enumerate(platform.hooks)]
    again = draw(st.lists(st.sampled_from(numbered), max_size=6))
    new_ids = draw(st.booleans())
    numbered += [(hook, f"{id_}-again-{at}" if new_ids else id_) for at, (hook, id_) in enumerate(again)]
    order = draw(st.permutations(range(len(numbered))))
    batches, rest = [], [numbered[at] for at in order]
    while rest:
        size = draw(st.sampled_from([1, 2, 3, 5, len(rest)]))
        batches.append((rest[:size], draw(st.sampled_from([1, 2, 100]))))
        rest = rest[size:]
    return batches


def in_order(ctx: Context, clock: FixedClock, platform: Platform) -> dict[str, Any]:
    run = Run(ctx, clock, platform.hooks)
    for at, hook in enumerate(platform.hooks):
        run.post(hook, f"w{at}")
        run.ingest()
    return run.result()


def anyhow(
    ctx: Context, clock: FixedClock, platform: Platform, batches: list[tuple[list[tuple[Hook, str]], int]]
) -> dict[str, Any]:
    run = Run(ctx, clock, platform.hooks)
    for batch, limit in batches:
        for hook, webhook_id in batch:
            run.post(hook, webhook_id)
        run.ingest(limit)
    return run.result()


def same(told: dict[str, Any], expected: dict[str, Any]) -> None:
    for part, values in expected.items():
        differing = {key: (told[part].get(key), values.get(key)) for key in {*told[part], *values}
                     if told[part].get(key) != values.get(key)}  # fmt: skip
        assert not differing, part


@settings(max_examples=40, suppress_health_check=[FRESH_SHOP, HealthCheck.too_slow])
@given(st.data())
def test_facts_and_calendar_converge_on_sqlite(sqlite_context: Context, clock: FixedClock, data: st.DataObject) -> None:
    _converges(sqlite_context, clock, data)


@pytest.mark.postgres
@settings(max_examples=15, suppress_health_check=[FRESH_SHOP, HealthCheck.too_slow])
@given(st.data())
def test_facts_and_calendar_converge_on_postgres(
    postgres_context: Context, clock: FixedClock, data: st.DataObject
) -> None:
    _converges(postgres_context, clock, data)


def _converges(ctx: Context, clock: FixedClock, data: st.DataObject) -> None:
    platform = data.draw(lives(), label="life")
    batches = data.draw(deliveries(platform), label="deliveries")
    same(anyhow(ctx, clock, platform, batches), in_order(ctx, clock, platform))
