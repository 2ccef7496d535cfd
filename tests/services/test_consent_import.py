"""Importing consents: what each line says, what is wrong with it, and that a dry run writes nothing."""

from __future__ import annotations

import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from plugin.services import consent_files, consent_import, errands
from plugin.services.consent_csv import Wrong
from plugin.services.consent_files import Outcome
from plugin.services.consent_import import bring_in, go_on, view
from plugin.services.shop_work import work_off
from plugin.services.shops import UnknownShop
from plugin.store.models.customers import Consent
from plugin.store.models.imports import ConsentImport, ConsentImportPart
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Message
from plugin.store.models.platform import Errand
from plugin.store.models.shops import Shop
from tests.services.test_queries import plans, scans
from tests.services.world import DOMAIN, EMAIL, World, compliance, consent, order, parcel, tracked

OTHER = "other.myshopify.com"


# -- the import -------------------------------------------------------------------------------------------------------
def run(world: World, text: str, *, dry: bool = False, domain: str = DOMAIN) -> Outcome:
    """As far as it goes, in the background too."""
    shop_id = world.row(Shop, domain=domain).id
    found = bring_in(world.ctx, shop_id, io.BytesIO(text.encode()), "tester", dry=dry)
    while work_off(world.ctx):
        pass
    return view(world.ctx, shop_id, found.id).outcome


def words(world: World, **where: Any) -> dict[str, Consent]:
    return {row.address: row for row in world.rows(Consent, **where)}


def figures(outcome: Outcome) -> dict[str, Any]:
    return {name: value for name, value in vars(outcome).items() if name != "dry"}


LIST = (
    "email,state,at\na@b.example,yes,2026-10-01\nA@B.example,yes,2026-09-01\nb@b.example,unsubscribed,2026-10-01\n"
    "nobody,yes,2026-10-01\na@b.example,unsubscribed,2026-10-02\n"
)


def test_a_dry_run_says_the_same_and_writes_nothing(both: World) -> None:
    tried = run(both, LIST, dry=True)
    assert words(both) == {}
    assert both.rows(Change, what="consent_import") == []
    done = run(both, LIST)
    assert figures(tried) == figures(done)
    assert (done.lines, done.good, done.wrong, done.changed) == (5, 4, 1, 3)
    assert done.named == [Wrong(5, "email", "nobody")]
    assert set(words(both)) == {"a@b.example", "b@b.example"}
    assert run(both, LIST).changed == 0
    change = both.row(Change, what="consent_import")
    assert (change.actor, change.after) == ("tester", {"lines": 4, "changed": 3})


def test_dry_runs_know_what_earlier_batches_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent_files, "AT_ONCE", 1)
    assert figures(run(world, LIST, dry=True)) == figures(run(world, LIST))


def test_an_opt_out_is_lifted_by_nothing_but_a_later_explicit_word(both: World) -> None:
    both.hook("customers_email_marketing_consent/update", consent(both.now - timedelta(days=5), "unsubscribed"))
    for cells in (",", "2026-10-01,", "2026-11-01,checkout"):
        outcome = run(both, f"email,state,at,source\n{EMAIL},subscribed,{cells}\n")
        assert (outcome.may, outcome.kept_out) == (0, 1)
    assert run(both, f"email,state,at\n{EMAIL},subscribed,2026-11-01\n").may == 1


def test_orders_are_planned_anew(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("fulfillments/create", parcel(both.now))
    both.hook("fulfillment_events/create", tracked(both.now))
    assert both.message("cross_sell").state == "withheld"
    listed = f"email,state,at\n{EMAIL},subscribed,2026-10-01\nelse@example.com,subscribed,2026-10-01\n"
    assert run(both, listed, dry=True).orders == 1
    assert both.message("cross_sell").state == "withheld"
    outcome = run(both, listed)
    assert (outcome.orders, outcome.may) == (1, 2)
    assert both.message("cross_sell").state == "planned"
    out = run(both, f"email,state,at\n{EMAIL},unsubscribed,2026-10-02\n")
    assert (out.may_not, out.orders) == (1, 1)
    assert both.message("survey").reason == "the customer unsubscribed"


def test_nothing_of_another_shop(both: World) -> None:
    both.add_shop(OTHER)
    both.hook("orders/create", order(both.now), domain=OTHER)
    before = {m.id: m.state for m in both.rows(Message)}
    assert run(both, f"email,state,at\n{EMAIL},subscribed,2026-10-01\n").orders == 0
    assert words(both, shop_id=both.row(Shop, domain=OTHER).id) == {}
    after = {m.id: m.state for m in both.rows(Message)}
    assert before == after
    with pytest.raises(UnknownShop):
        bring_in(both.ctx, 999, io.BytesIO(b"email,state\n"), "tester", dry=True)


def test_many_lines_take_little_memory(world: World) -> None:
    peaks = []
    for count in (50, 2_000, 6_000):  # the first warms what is made once
        tracemalloc.start()
        outcome = run(world, many(count, place=f"{count}.example"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (outcome.changed, outcome.may) == (count, count)
    assert peaks[2] < min(1.5 * peaks[1], 4_000_000)


def test_every_query_stands_on_an_index(world: World) -> None:
    world.hook("orders/create", order(world.now))
    with plans(world.ctx.database) as found:
        run(world, f"email,state,at\n{EMAIL},subscribed,2026-10-01\n")
        run(world, f"email,state,at\n{EMAIL},subscribed,2026-10-01\n", dry=True)
    assert scans(found) == []


# -- in the background ------------------------------------------------------------------------------------------------
def many(count: int = 40, word: str = "yes", place: str = "mail.example") -> str:
    return "email,state,at\n" + "".join(f"c{n}@{place},{word},2026-10-01\n" for n in range(count))


def bring(world: World, text: str, *, dry: bool) -> consent_import.Import:
    return bring_in(world.ctx, world.row(Shop).id, io.BytesIO(text.encode()), "tester", dry=dry)


def parts(world: World) -> list[bytes]:
    with world.ctx.database.reading() as session:
        return list(session.scalars(select(ConsentImportPart.lines)))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent_files, "AT_ONCE", 5)


def test_a_long_list_goes_on_in_the_background_and_says_how_far(both: World, small_parts: None) -> None:
    found = bring(both, many(), dry=False)
    assert (found.waiting, found.done, found.parts, found.outcome.lines) == (True, 0, 8, 40)
    assert words(both) == {}
    for _ in range(3):
        work_off(both.ctx)
    now = view(both.ctx, both.row(Shop).id, found.id)
    assert (now.waiting, now.done, now.outcome.changed, len(words(both))) == (True, 3, 15, 15)
    while work_off(both.ctx):
        pass
    now = view(both.ctx, both.row(Shop).id, found.id)
    assert (now.waiting, now.done, now.outcome.changed, len(words(both))) == (False, 8, 40, 40)
    assert parts(both) == []
    assert both.row(Change, what="consent_import").after == {"lines": 40, "changed": 40}


def test_a_killed_worker_costs_a_part_and_counts_nothing_twice(
    both: World, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bring(both, many(), dry=False)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for _ in range(4):
        work_off(both.ctx)
        claimed = errands.claim(both.ctx)
        assert claimed
        with monkeypatch.context() as patch:
            patch.setattr(errands, "proceed", killed)
            with pytest.raises(KeyboardInterrupt):
                consent_import.step(both.ctx, claimed)
        with both.ctx.database.transaction() as session:  # its lease is over
            session.query(Errand).update({"next_at": datetime.now(UTC) - timedelta(seconds=1)})
    while work_off(both.ctx):
        pass
    outcome = view(both.ctx, both.row(Shop).id, found.id).outcome
    assert (outcome.changed, outcome.may, len(words(both))) == (40, 40, 40)


@pytest.mark.parametrize("count", [3, 40])
def test_what_was_tried_is_imported_without_being_sent_again(both: World, small_parts: None, count: int) -> None:
    shop_id = both.row(Shop).id
    found = bring(both, many(count), dry=True)
    while work_off(both.ctx):
        pass
    assert words(both) == {}
    go_on(both.ctx, shop_id, found.id, "tester")
    while work_off(both.ctx):
        pass
    assert len(words(both)) == count
    with pytest.raises(consent_import.NotTried):
        go_on(both.ctx, shop_id, found.id, "tester")
    with pytest.raises(consent_import.NoSuchImport):
        go_on(both.ctx, shop_id + 1, found.id, "tester")


def test_two_long_lists_at_once_are_dealt_with_in_turn(both: World, small_parts: None) -> None:
    first, second = bring(both, many(), dry=False), bring(both, many(word="unsubscribed"), dry=False)
    while work_off(both.ctx):
        pass
    shop_id = both.row(Shop).id
    assert not view(both.ctx, shop_id, first.id).waiting
    assert not view(both.ctx, shop_id, second.id).waiting
    assert all(row.opted_out_at for row in words(both).values())


def test_lists_are_sealed_and_gone_after_a_day(both: World) -> None:
    bring(both, many(3), dry=True)
    kept = parts(both)[0] + both.row(ConsentImport).outcome
    assert b"mail.example" not in kept
    with both.ctx.database.transaction() as session:
        consent_files.prune_imports(session, datetime.now(UTC) + timedelta(hours=23))
    assert both.rows(ConsentImport)
    with both.ctx.database.transaction() as session:
        consent_files.prune_imports(session, datetime.now(UTC) + timedelta(hours=25))
    assert both.rows(ConsentImport) == parts(both) == []


def test_an_erased_customer_is_taken_out_of_a_list_that_waits(both: World, small_parts: None) -> None:
    both.hook("orders/create", order(both.now))
    found = bring(both, many() + f"{EMAIL},yes,2026-10-01\n{EMAIL},perhaps,2026-10-01\n", dry=False)
    both.hook("customers/redact", compliance(both.domain))
    while work_off(both.ctx):
        pass
    assert EMAIL not in words(both)
    assert len(words(both)) == 40
    assert view(both.ctx, both.row(Shop).id, found.id).outcome.named == []


def test_a_shop_that_is_erased_takes_its_lists_with_it(both: World, small_parts: None) -> None:
    bring(both, many(), dry=False)
    both.hook("shop/redact", {"shop_domain": both.domain, "shop_id": 1})
    assert both.rows(ConsentImport) == parts(both) == []
    while work_off(both.ctx):
        pass
