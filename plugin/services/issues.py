"""What customers complain of: what is open, closing it, and telling the shop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.channels.email.errors import OutcomeUnknown, Permanent, SendError
from plugin.channels.email.mime import Mail, build, message_id
from plugin.channels.email.transport import Transport
from plugin.services.compose import sender_of
from plugin.services.context import Context
from plugin.services.issue_opening import FAILED_MESSAGE, FEEDBACK, LOW_RATING, NOT_ARRIVED, SOLVED, add_letter
from plugin.services.letters import any_letter
from plugin.services.plan import lock_orders, replan
from plugin.store.models.customers import Issue
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings

OUTCOMES_OF = {
    NOT_ARRIVED: ("arrived", "lost"), LOW_RATING: ("settled",), FAILED_MESSAGE: ("settled",), FEEDBACK: ("settled",),
}  # fmt: skip
OUTCOMES = ("arrived", "lost", "settled")
TELL_AGAIN = timedelta(minutes=10)  # machine time, when the shop could not be told

log = logging.getLogger(__name__)


class NoSuchIssue(LookupError):
    """The shop has no open issue of this number."""


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """An open issue as the merchant sees it."""

    id: int
    kind: str
    order_name: str
    parcel_name: str | None
    opened_at: datetime
    email: str | None
    words: str | None


def open_issues(session: Session, shop: Shop) -> Sequence[OpenIssue]:
    """The shop's open issues, the oldest first."""
    rows = session.execute(
        select(Issue, Order.name, Order.email, Parcel.name)
        .join(Order, Order.id == Issue.order_id)
        .outerjoin(Parcel, (Parcel.order_id == Issue.order_id) & (Parcel.platform_id == Issue.parcel_id))
        .where(Issue.shop_id == shop.id, Issue.closed_at.is_(None))
        .order_by(Issue.opened_at)
    )
    return [
        OpenIssue(i.id, i.kind, order or "", parcel, i.opened_at, email, i.words) for i, order, email, parcel in rows
    ]


def close_issue(session: Session, ctx: Context, shop: Shop, issue_id: int, outcome: str) -> None:
    """Close it and resume what it paused; the customer is asked whether it is solved.

    A missing parcel closes as "arrived" (counts as delivery now) or "lost" (withholds survey and cross-sell), the rest
    as "settled". Raises NoSuchIssue, also for an outcome that is not of its kind.
    """
    found = session.execute(
        select(Issue.order_id, Issue.kind).where(Issue.id == issue_id, Issue.shop_id == shop.id)
    ).first()
    if found is None or outcome not in OUTCOMES_OF.get(found.kind, ()):
        raise NoSuchIssue(issue_id)
    lock_orders(session, [found.order_id])
    issue = session.get_one(Issue, issue_id, populate_existing=True)
    if issue.closed_at:
        raise NoSuchIssue(issue_id)
    now = ctx.clock.now()
    issue.closed_at, issue.outcome, issue.tell_at = now, outcome, None
    if issue.kind != FAILED_MESSAGE:  # of that the customer never heard
        add_letter(session, issue, SOLVED, now)
    replan(session, ctx, [found.order_id])


def anything_untold(ctx: Context) -> bool:
    """Whether a shop is to be told of an issue, or a customer written to about one."""
    with ctx.database.reading() as session:
        due = select(Issue.id).where(Issue.tell_at.is_not(None), Issue.tell_at <= datetime.now(UTC)).limit(1)
        if session.scalar(due) is not None:
            return True
    return any_letter(ctx)


def tell_shops(ctx: Context, transport: Transport) -> int:
    """Mail each shop the issues that it was not told of yet. Returns how many. A shop without an address of its own is
    not written to: it finds them in the list of issues."""
    with ctx.database.reading() as session:
        ids = session.scalars(
            select(Issue.id).where(Issue.tell_at.is_not(None), Issue.tell_at <= datetime.now(UTC)).limit(50)
        ).all()
    for id_ in ids:
        _tell(ctx, transport, id_)
    return len(ids)


def _tell(ctx: Context, transport: Transport, issue_id: int) -> None:
    """Put off and committed before it is sent: a mail server that hangs holds no lock, and two workers write once."""
    with ctx.database.transaction() as session:
        issue = session.scalar(
            select(Issue).where(Issue.id == issue_id, Issue.tell_at <= datetime.now(UTC))
            .with_for_update(skip_locked=True)
        )  # fmt: skip
        if issue is None:
            return
        shop, order = session.get_one(Shop, issue.shop_id), session.get_one(Order, issue.order_id)
        settings = load_settings(shop.settings)
        address = settings.support.email or shop.email
        if address is None or issue.closed_at or order.redacted_at or shop.uninstalled_at:
            issue.tell_at = None
            return
        issue.tell_at = datetime.now(UTC) + TELL_AGAIN
        mail = _mail(shop, settings, issue, order, address, ctx.clock.now())
    try:
        transport.send(mail.sender_address, address, build(mail))
    except (OutcomeUnknown, Permanent) as exc:  # asking again would nag or be refused again: the list has it too
        log.warning("shop_perhaps_not_told", extra={"issue": issue_id, "reason": exc.reason})
    except SendError as exc:
        log.warning("shop_not_told", extra={"issue": issue_id, "reason": exc.reason})
        return
    with ctx.database.transaction() as session:
        told = session.get(Issue, issue_id)
        if told is not None:
            told.tell_at = None


def _mail(
    shop: Shop, settings: ShopSettings, issue: Issue, order: Order, address: str, now: datetime
) -> Mail:
    sender, key = sender_of(shop, settings), f"{shop.code}/issue/{issue.id}"
    if issue.reopened_at:
        key += f"/{issue.reopened_at:%Y%m%dT%H%M%S}"
    words = issue.words or "(no words)"
    low = issue.kind == LOW_RATING
    said = f"was not satisfied with order {order.name}" if low else f"says that order {order.name} has not arrived"
    outcomes = " or ".join(OUTCOMES_OF.get(issue.kind, ("settled",)))
    text = (
        f"{order.email or 'A customer'} {said}.\n\n{words}\n\n"
        "Please look into it and write to them: reply to this email and it goes to the customer. Until the issue is\n"
        f"closed they get no {'suggestions' if low else 'survey and no suggestions'}. Close it as {outcomes}: issue "
        f"{issue.id}.\n"
    )
    return Mail(
        key=key,
        message_id=message_id(key, sender.address.rpartition("@")[2]),
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=order.email or sender.reply_to,
        to=address,
        subject=f"{'Low rating' if low else 'Not arrived'}: order {order.name}",
        text=text,
        html="".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n")),
        feedback_id=f"issue:service_desk:transactional:{shop.code}",
        language="en",
        date=now,
    )
