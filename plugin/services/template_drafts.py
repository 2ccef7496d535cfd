"""The wording a merchant is at: kept while it is written, tried on the merchant's own mailbox, saved or thrown away."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.orm import Session

from plugin.channels.email.errors import Retryable, SendError
from plugin.channels.email.mime import Mail, build, message_id
from plugin.channels.email.transport import Transport
from plugin.queues import SEND
from plugin.services.compose import sender_of
from plugin.services.context import Context
from plugin.services.order_search import NoSuchOrder
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import shop_of
from plugin.services.template_edit import (
    Draft,
    Fault,
    Preview,
    draft_in_use,
    faults,
    known,
    preview,
    worded,
)
from plugin.store.models.shops import Shop
from plugin.store.models.templates import TemplateDraft
from plugin.store.upserts import insert_for
from schemas.settings import load_settings

AT_ONCE = 10
AGAIN = timedelta(minutes=1)  # after the mail server put one off
MAX_TEXT = 10_000  # characters that are kept of either text; a longer one could not be saved anyway

log = logging.getLogger(__name__)


class BadWording(ValueError):
    """It cannot be put in use. `faults`: why."""

    def __init__(self, found: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}, line {fault.line}: {fault.message}" for fault in found))
        self.faults = tuple(found)


class NotYourAddress(ValueError):
    """A test goes to the shop's own addresses only: it would be a way to write to anybody."""


def keep_draft(session: Session, ctx: Context, shop_id: int, draft: Draft, order_id: int | None = None) -> None:
    """Remember what is being written, whether it is right or not. Raises NoSuchStep."""
    known(draft.step, draft.language)
    values = {
        "subject": (draft.subject or "")[:MAX_TEXT] or None, "intro": (draft.intro or "")[:MAX_TEXT] or None,
        "order_id": order_id, "written_at": ctx.clock.now(),
    }  # fmt: skip
    key = {"shop_id": shop_id, "step": draft.step, "language": draft.language}
    statement = insert_for(session, TemplateDraft).values(**key, **values)
    session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def drop_draft(session: Session, shop_id: int, step: str, language: str) -> None:
    """Forget it: it was saved or given up."""
    session.execute(delete(TemplateDraft).where(*_named(shop_id, step, language)))


def draft_of(session: Session, shop_id: int, step: str, language: str) -> tuple[Draft, int | None, bool]:
    """What the editor shows: the draft, the order it is shown on, and whether it differs from what is in use."""
    used = draft_in_use(session, shop_id, step, language)
    row = session.scalar(select(TemplateDraft).where(*_named(shop_id, step, language)))
    if row is None:
        return used, None, False
    draft = Draft(step, language, row.subject, row.intro)
    return draft, row.order_id, draft != used


def shown(session: Session, ctx: Context, shop_id: int, draft: Draft, order_id: int | None) -> Preview:
    """The draft on its order; on the newest one where that is gone meanwhile. A field at fault: what is in use."""
    if wrong := {fault.field for fault in faults(draft)}:
        used = draft_in_use(session, shop_id, draft.step, draft.language)
        draft = replace(draft, **{field: getattr(used, field) for field in wrong})
    try:
        return preview(session, ctx, shop_id, draft, order_id)
    except NoSuchOrder:
        return preview(session, ctx, shop_id, draft)


def save(session: Session, ctx: Context, shop_id: int, actor: str, draft: Draft) -> None:
    """Put the draft in use, for every message that leaves from now on. Raises BadWording, NoSuchStep, UnknownShop."""
    if wrong := faults(draft):
        raise BadWording(wrong)
    shop = locked_shop(session, shop_id)
    change_settings(session, ctx, shop, worded(load_settings(shop.settings), draft), actor, "wording")


def nudge(ctx: Context) -> None:
    """A worker sends what was asked for. Call it after the commit."""
    ctx.queues.nudge(SEND)


def own_addresses(session: Session, shop_id: int) -> list[str]:
    """Where a test may go."""
    shop = shop_of(session, shop_id)
    found = (shop.email, load_settings(shop.settings).support.email, load_settings(shop.settings).sender.email)
    return list(dict.fromkeys(address for address in found if address))


def ask_for_test(session: Session, ctx: Context, shop_id: int, draft: Draft, order_id: int | None, to: str) -> None:
    """Keep the draft and have a worker mail it. Raises NotYourAddress, NoSuchStep."""
    if to not in own_addresses(session, shop_id):
        raise NotYourAddress(to)
    keep_draft(session, ctx, shop_id, draft, order_id)
    named = _named(shop_id, draft.step, draft.language)
    session.execute(update(TemplateDraft).where(*named).values(test_to=to, test_at=datetime.now(UTC)))


def any_test(ctx: Context) -> bool:
    with ctx.database.reading() as session:
        return session.scalar(_asked().limit(1)) is not None


def send_tests(ctx: Context, transport: Transport) -> int:
    """Mail the tests that were asked for; returns how many left. One that cannot leave now is tried again."""
    with ctx.database.reading() as session:
        ids = session.scalars(_asked().limit(AT_ONCE)).all()
    return sum(_send_test(ctx, transport, id_) for id_ in ids)


def _send_test(ctx: Context, transport: Transport, draft_id: int) -> bool:
    """It is no longer asked for once it is about to leave: two workers send one test."""
    with ctx.database.transaction() as session:
        asked = select(TemplateDraft).where(TemplateDraft.id == draft_id, TemplateDraft.test_at <= datetime.now(UTC))
        row = session.scalar(asked.with_for_update(skip_locked=True))
        if row is None or not row.test_to:
            return False
        to, row.test_at = row.test_to, None
        try:
            mail = _mail(session, ctx, session.get_one(Shop, row.shop_id), row, to)
        except Exception as exc:  # what cannot be written must not be asked for again and again
            log.warning("test_not_written", extra={"draft": draft_id, "kind": type(exc).__name__})
            return False
    try:
        transport.send(mail.sender_address, to, build(mail))
    except SendError as exc:
        log.warning("test_not_sent", extra={"draft": draft_id, "reason": exc.reason})
        if isinstance(exc, Retryable):
            with ctx.database.transaction() as session:
                again = {"test_at": datetime.now(UTC) + AGAIN}
                session.execute(update(TemplateDraft).where(TemplateDraft.id == draft_id).values(again))
        return False
    return True


def _asked() -> Select[int]:
    return select(TemplateDraft.id).where(TemplateDraft.test_at <= datetime.now(UTC))


def _mail(session: Session, ctx: Context, shop: Shop, row: TemplateDraft, to: str) -> Mail:
    draft = Draft(row.step, row.language, row.subject, row.intro)
    mail = shown(session, ctx, shop.id, draft, row.order_id).rendered
    sender = sender_of(shop, load_settings(shop.settings))
    key = f"{shop.code}/test/{row.id}/{ctx.clock.now().timestamp():.0f}"
    return Mail(
        key=key,
        message_id=message_id(key, sender.address.rpartition("@")[2]),
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=sender.reply_to,
        to=to,
        subject=f"[{'테스트' if row.language == 'ko' else 'Test'}] {mail.subject}",
        text=mail.text,
        html=mail.html,
        feedback_id=f"test:merchant:transactional:{shop.code}",
        language=row.language,
        date=ctx.clock.now(),
    )


def _named(shop_id: int, step: str, language: str) -> tuple[ColumnElement[bool], ...]:
    d = TemplateDraft
    return d.shop_id == shop_id, d.step == step, d.language == language
