"""What is dropped when, in table form: state, age in days, whether the row and its body are left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from plugin.services import housekeeping
from plugin.services.context import Context
from plugin.services.receipts import given_up, run_again
from plugin.store.models.shops import Receipt, Shop
from plugin.store.session import database_now

LEFT = [
    ("done", 29, True, True), ("done", 31, True, False), ("done", 89, True, False), ("done", 91, False, False),
    ("kept", 29, True, True), ("kept", 31, True, False), ("kept", 91, False, False),
    ("failed", 31, True, True), ("failed", 91, True, False), ("rejected", 89, True, True),
    ("rejected", 91, True, False), ("received", 400, True, True),
]  # fmt: skip


def receipts(context: Context, rows: list[tuple[str, int]]) -> list[int]:
    with context.database.transaction() as session:
        shop = Shop(
            platform="shopify", domain="demo.myshopify.com", code="abcde", installed_at=context.clock.now(), settings={}
        )
        session.add(shop)
        session.flush()
        now = database_now(session)
        made = [
            Receipt(
                shop_id=shop.id, webhook_id=str(number), topic="orders/create", received_at=context.clock.now(),
                accepted_at=now - timedelta(days=age), next_attempt_at=now, body=b"sealed", state=state, attempts=8,
                reason="two\nlines",
            )
            for number, (state, age) in enumerate(rows)
        ]  # fmt: skip
        session.add_all(made)
        session.flush()
        return [receipt.id for receipt in made]


def test_what_has_outlived_its_use_is_dropped(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    ids = receipts(context, [(state, age) for state, age, _, _ in LEFT])
    for _ in range(2):  # the second time finds nothing more
        housekeeping.prune(context)
        with context.database.reading() as session:
            left = {row.id: row.body is not None for row in session.execute(select(Receipt.id, Receipt.body))}
        assert [(id_ in left, left.get(id_, False)) for id_ in ids] == [(row, body) for _, _, row, body in LEFT]


def test_what_was_given_up_on_is_shown_and_run_again(context: Context) -> None:
    ids = receipts(context, [("done", 1), ("failed", 1), ("rejected", 1), ("failed", 200), ("received", 1)])
    housekeeping.prune(context)
    with context.database.reading() as session:
        shown = list(given_up(session))
    assert [(one.id, one.shop, one.state, one.reason, one.body_left) for one in shown] == [
        (ids[1], "demo.myshopify.com", "failed", "two lines", True),
        (ids[2], "demo.myshopify.com", "rejected", "two lines", True),
        (ids[3], "demo.myshopify.com", "failed", "two lines", False),
    ]
    with context.database.transaction() as session:
        assert run_again(session, ids) == 2
    with context.database.reading() as session:
        again = session.scalars(select(Receipt).where(Receipt.id.in_(ids[1:3]))).all()
        assert [(one.state, one.attempts, one.reason) for one in again] == [("received", 0, None)] * 2
        assert [one.id for one in given_up(session)] == [ids[3]]
