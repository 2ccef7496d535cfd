"""What goes to the archive and when, that nothing brings it back, and that it is erased with the rest."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text

from plugin.domain import retention
from plugin.services import archive, housekeeping
from plugin.services.answers import NotThere, record_click, unsubscribe
from plugin.services.archive import archived_messages, find_message
from plugin.services.plan import replan
from plugin.store.models.archive import MessageArchive
from plugin.store.models.bodies import MessageBody
from plugin.store.models.customers import Consent, DataRequest
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.world import EMAIL, World, compliance, order, parcel, refund, tracked, whole_life

MONTHS_13 = retention.MESSAGES.days


def live_through(world: World, number: int = 1001) -> int:
    """An order whose messages all ended by forty days after it; its id."""
    for _ in whole_life(world, number):
        pass
    world.walk(days=40)
    return int(world.row(Order, platform_id=str(number)).id)


def newer(world: World) -> None:
    """An order of today, so that the newest message is not of an old one."""
    world.hook("orders/create", order(world.now, 9999, customer={"id": 77}, email="new@example.com"))
    world.send()


def archived(world: World, order_id: int) -> list[MessageArchive]:
    with world.ctx.database.reading() as session:
        return archived_messages(session, world.row(Shop).id, order_id)


def test_an_order_that_ended_goes_as_a_whole_and_stays_as_it_was(both: World) -> None:
    order_id = live_through(both)
    before = {row.id: row for row in both.rows(Message, order_id=order_id)}
    first = min(before)
    record_click(both.ctx, first, "https://haneul.example", by_scanner=True)
    both.later(hours=1)
    record_click(both.ctx, first, "https://haneul.example", by_scanner=False)
    at = both.now
    newer(both)

    both.later(days=MONTHS_13 - 40)
    housekeeping.prune(both.ctx)
    assert archived(both, order_id) == []

    both.later(days=41)
    newer(both)
    housekeeping.prune(both.ctx)
    after = archived(both, order_id)
    assert {row.id for row in after} == set(before)
    for row in after:
        assert all(getattr(row, name) == getattr(before[row.id], name) for name in archive._KEPT)
        assert row.at == (row.sent_at or row.due_at or both.row(Order, id=order_id).placed_at)
        assert (row.opened_at, row.clicked_at) == (None, at if row.id == first else None)
    assert both.rows(Message, order_id=order_id) == both.rows(Click) == []
    assert both.row(Order, id=order_id).archived_at == both.now
    assert archive.archive(both.ctx) == 0


AGES = [
    # (state of its last message, age in days, whether the order goes)
    ("sent", MONTHS_13 - 1, False), ("sent", MONTHS_13 + 1, True), ("failed", MONTHS_13 + 1, True),
    ("withheld", MONTHS_13 + 1, True), ("cancelled", MONTHS_13 + 1, True),
    ("waiting", MONTHS_13 + 1, False), ("held", MONTHS_13 + 1, False), ("planned", MONTHS_13 + 1, False),
    ("waiting", retention.WAITING.days + 1, True), ("held", retention.WAITING.days + 1, True),
    ("queued", retention.WAITING.days + 1, False), ("sending", retention.WAITING.days + 1, False),
]  # fmt: skip


def test_what_still_waits_stays_longer(both: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ORDERS", 5)
    ids = []
    with both.ctx.database.transaction() as session:
        shop_id = session.scalars(select(Shop.id)).one()
        for number, (state, age, _) in enumerate([*AGES, ("sent", 1, False)]):
            at = both.now - timedelta(days=age)
            row = {"shop_id": shop_id, "platform_id": str(number), "first_heard_at": at, "placed_at": at,
                   "version": "1", "test": False, "pickup": False, "lines": [], "refunds": {}, "edits": {}}  # fmt: skip
            ids.append(session.execute(insert(Order).returning(Order.id), [row]).scalar_one())
            for step, step_state in (("thank_you", "sent"), ("survey", state)):
                session.execute(insert(Message), [message(shop_id, ids[-1], step, step_state, at)])
    archive.archive(both.ctx)
    gone = {row.id: row.archived_at is not None for row in both.rows(Order)}
    assert [(*entry[:2], gone[id_]) for id_, entry in zip(ids, AGES, strict=False)] == AGES
    assert {row.order_id for row in both.rows(Message)} == {id_ for id_ in ids if not gone[id_]}


def message(shop_id: int, order_id: int, step: str, state: str, at: datetime) -> dict[str, object]:
    return {
        "shop_id": shop_id, "order_id": order_id, "flow": "post_purchase", "step": step, "subject": str(order_id),
        "channel": "email", "copy": 0, "state": state, "reason": "so", "attempts": 0, "estimated": False,
        "message_class": "service", "due_at": at, "sent_at": at if state == "sent" else None, "parcels": [],
    }  # fmt: skip


def test_late_news_make_no_message_of_an_archived_order_anew(both: World) -> None:
    order_id = live_through(both)
    newer(both)
    both.later(days=MONTHS_13 + 1)
    archive.archive(both.ctx)
    before = archived(both, order_id)
    assert before
    sent = len(both.sink.mails)
    both.hook("orders/updated", order(both.now, 1001, financial_status="paid", note="late"))
    both.hook("fulfillments/create", parcel(both.now, 2))
    both.hook("fulfillment_events/create", tracked(both.now, number=2))
    both.hook("refunds/create", refund(both.now, {1: 2}))
    both.hook("orders/create", order(both.now, 1001))
    with both.ctx.database.transaction() as session:
        replan(session, both.ctx, [order_id])
    both.walk(days=30)
    assert both.rows(Message, order_id=order_id) == []
    assert [row.id for row in archived(both, order_id)] == [row.id for row in before]
    assert len(both.sink.mails) == sent


def test_the_links_in_old_mails_still_work(both: World) -> None:
    order_id = live_through(both)
    newer(both)
    both.later(days=MONTHS_13 + 1)
    archive.archive(both.ctx)
    survey = next(row for row in archived(both, order_id) if row.step == "survey")
    unsubscribe(both.ctx, survey.id)
    record_click(both.ctx, survey.id, "https://haneul.example", by_scanner=False)  # remembered no more, and no error
    assert both.row(Consent, address=EMAIL).opted_out_at == both.now
    with both.ctx.database.reading() as session:
        assert find_message(session, sys.maxsize) is None
    with pytest.raises(NotThere):
        unsubscribe(both.ctx, sys.maxsize)


def test_the_archive_is_told_of_and_erased_with_the_rest(both: World) -> None:
    order_id = live_through(both)
    newer(both)
    both.later(days=MONTHS_13 + 1)
    archive.archive(both.ctx)
    (old, *_) = archived(both, order_id)
    with both.ctx.database.transaction() as session:
        session.add(MessageBody(message_id=old.id, made_at=both.now, body=b"sealed"))
    assert any(row.address for row in archived(both, order_id))
    both.hook("customers/data_request", compliance(both.domain, orders_requested=[1001], data_request={"id": 1}))
    report = both.ctx.vault.open(both.row(DataRequest).report)
    subjects = {row.mail_subject for row in archived(both, order_id)} - {None}
    assert subjects
    assert all(f'"mail_subject": "{subject}"' in report for subject in subjects)
    both.hook("customers/redact", compliance(both.domain, orders_to_redact=[1001]))
    assert {(row.address, row.mail_subject) for row in archived(both, order_id)} == {(None, None)}
    with both.ctx.database.reading() as session:
        assert session.scalars(select(MessageBody).where(MessageBody.message_id == old.id)).all() == []
    both.hook("shop/redact", {"shop_id": 1, "shop_domain": both.domain})
    with both.ctx.database.reading() as session:
        for table in (Order, MessageArchive, MessageBody):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_the_newest_message_stays_so_that_its_number_is_not_given_away_again(both: World) -> None:
    order_id = live_through(both)
    both.later(days=MONTHS_13 + 1)
    assert archive.archive(both.ctx) == 0
    assert both.row(Order, id=order_id).archived_at is None


def test_on_postgresql_every_month_has_its_partition_and_is_dropped_whole(both: World) -> None:
    if both.ctx.database.is_sqlite:
        return
    order_id = live_through(both)
    newer(both)
    both.later(days=MONTHS_13 + 1)
    housekeeping.prune(both.ctx)
    rows = archived(both, order_id)
    with both.ctx.database.reading() as session:
        where = session.execute(text("SELECT id, CAST(tableoid AS regclass)::text FROM messages_archive"))
        found = {row[0]: row[1] for row in where}
        assert found == {row.id: f"messages_archive_{row.at:%Y_%m}" for row in rows}
    both.later(days=retention.ARCHIVE.days)
    housekeeping.prune(both.ctx)
    with both.ctx.database.reading() as session:
        assert session.scalars(select(MessageArchive).where(MessageArchive.order_id == order_id)).all() == []
        assert {session.scalar(text("SELECT to_regclass(:n)"), {"n": name}) for name in found.values()} == {None}


def test_the_archive_is_forgotten_after_its_time(both: World) -> None:
    order_id = live_through(both)
    newer(both)
    both.later(days=MONTHS_13 + 1)
    archive.archive(both.ctx)
    housekeeping.prune(both.ctx)
    assert archived(both, order_id)
    both.later(days=retention.ARCHIVE.days + 31)
    housekeeping.prune(both.ctx)
    assert archived(both, order_id) == []
