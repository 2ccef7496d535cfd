"""The export tells everything of a shop, nothing of another and no secret, in batches however large the shop is."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from plugin.services import exports
from plugin.services.exports import TOLD, UNTOLD, export
from plugin.services.shops import UnknownShop
from plugin.store.models.figures import Open
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.test_queries import plans, scans
from tests.services.world import DOMAIN, World, compliance, consent, customer, order, product, whole_life

OTHER = "other.myshopify.com"
# Columns that every table has: whose it is, which row, and what it hangs on, told by other names.
FRAME = {"id", "shop_id", "order_id", "message_id"}


@pytest.fixture
def busy(both: World) -> World:
    """A shop in which a bit of everything happened, and another with the same ids."""
    both.hook("products/update", product(both.now, 1))
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    for _ in whole_life(both):
        pass
    both.walk(days=12)
    both.hook("customers/data_request", compliance(DOMAIN, orders_requested=[1001], data_request={"id": 1}))
    with both.ctx.database.transaction() as session:
        message = session.query(Message).filter_by(step="survey").one()
        mine = {"shop_id": message.shop_id, "message_id": message.id, "at": both.now}
        session.add(Click(target="https://x/", by_scanner=False, **mine))
        session.add(Open(by_machine=False, last_at=both.now, **mine))
    both.add_shop(OTHER)
    mail = "other@example.com"
    stranger = order(both.now, 1001, name="#OTHER", email=mail, contact_email=mail, customer=customer(email=mail))
    both.hook("orders/create", stranger, domain=OTHER)
    return both


def lines(world: World, domain: str = DOMAIN) -> list[dict[str, Any]]:
    found = export(world.ctx, world.row(Shop, domain=domain).id)
    return [json.loads(line) for line in found]


def kinds(found: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(line["type"] for line in found)


def test_everything_is_told_and_the_end_says_how_much(busy: World) -> None:
    told = lines(busy)
    assert told[0] == {"type": "export", "format": 1, "shop": DOMAIN, "made_at": busy.now.isoformat()}
    assert told[-1]["type"] == "end"
    assert told[-1]["lines"] == kinds(told[1:-1])
    counts = kinds(told)
    wanted = {"shop": 1, "order": 1, "parcel": 1, "customer": 1, "consent": 1, "message": 6, "click": 1, "open": 1,
              "product": 1, "data_request": 1}  # fmt: skip
    assert {name: counts[name] for name in wanted} == wanted
    by_type = {line["type"]: line for line in told}
    assert by_type["shop"]["settings"]["support"]["email"] == "help@haneul.example"
    assert by_type["order"]["customer"] == "501"
    assert by_type["order"]["lines"][0]["title"] == "Green tea 1"
    assert by_type["parcel"]["order"] == "1001"
    survey = next(line for line in told if line.get("step") == "survey")
    assert (survey["state"], survey["order"]) == ("sent", "1001")
    assert by_type["click"]["message"] == survey["id"]


def test_nothing_of_another_shop(busy: World) -> None:
    assert "OTHER" not in json.dumps(lines(busy))
    other = lines(busy, OTHER)
    assert "jane.doe@example.com" not in json.dumps(other)
    assert kinds(other)["order"] == 1
    with pytest.raises(UnknownShop):
        export(busy.ctx, 999)


def test_no_secret_is_told(busy: World) -> None:
    with busy.ctx.database.transaction() as session:
        session.query(Order).update({"status_url": "sealed-status-url"})
    text = json.dumps(lines(busy))
    for secret in ("status_url", "sealed-status-url", "claim_token", "recovery_url", "/u/", "report"):
        assert secret not in text


@pytest.mark.parametrize("model", TOLD, ids=lambda model: model.__name__)
def test_every_column_is_decided_about(model: Any) -> None:
    columns = {column.key for column in model.__table__.c}
    told, untold = set(TOLD[model]), set(UNTOLD.get(model, ()))
    assert told <= columns
    assert untold <= columns
    assert columns - told - untold - FRAME == set()


def test_batches_change_nothing(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1002, 1008):
        busy.hook("orders/create", order(busy.now, number, customer={"id": number}))
    whole = lines(busy)
    monkeypatch.setattr(exports, "BATCH", 2)
    assert lines(busy) == whole
    assert kinds(whole)["order"] == 7


def test_memory_does_not_grow_with_the_shop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH", 20)
    for number in range(1001, 1201):
        world.receive("orders/create", order(world.now, number, customer=None))
    world.ingest()
    found = export(world.ctx, world.row(Shop).id)
    for _ in range(100):
        next(found)
    tracemalloc.start()
    count = sum(1 for _ in found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 1000
    assert peak < 3_000_000


def test_every_query_stands_on_an_index(world: World) -> None:
    world.hook("orders/create", order(world.now, 1001))
    with plans(world.ctx.database) as found:
        list(export(world.ctx, world.row(Shop).id))
    assert scans(found) == []
