"""A customer's data, collected for the merchant who was asked for it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.services.erase import addresses_of, customer_orders, customers_of
from plugin.store.models.archive import MessageArchive
from plugin.store.models.customers import (
    ArrivalAnswer,
    Checkout,
    Consent,
    DataRequest,
    Issue,
    Suppression,
    SurveyAnswer,
)
from plugin.store.models.desk import DeskLetter
from plugin.store.models.feedback import AnswerTag, FeedbackTag
from plugin.store.models.figures import Open, Reaction
from plugin.store.models.messages import Click, Message
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.reviews import Review
from plugin.store.models.shops import Shop
from plugin.store.upserts import add_missing
from schemas.events import DataRequested


def collect(session: Session, ctx: Context, shop: Shop, event: DataRequested, at: datetime) -> None:
    """Store everything Dasi holds about the customer, encrypted, under the platform's request id; once."""
    session.flush()
    orders = customer_orders(session, shop, event.customer_id, event.email, event.order_ids)
    report = json.dumps(_report(session, shop, event, orders), ensure_ascii=False, default=str)
    row = {
        "shop_id": shop.id,
        "request_id": event.request_id or f"{event.customer_id or 'unknown'}-{at:%Y%m%d}",
        "customer_ref": event.customer_id,
        "requested_at": at,
        "report": ctx.vault.seal(report),
    }
    add_missing(session, DataRequest, [row], ["shop_id", "request_id"])


def read_reports(session: Session, ctx: Context, shop: Shop) -> list[tuple[str, datetime, dict[str, Any] | None]]:
    """(request id, when, report) of each request, newest first; no report once the customer was erased."""
    rows = session.scalars(
        select(DataRequest).where(DataRequest.shop_id == shop.id).order_by(DataRequest.requested_at.desc())
    )
    return [
        (row.request_id, row.requested_at, json.loads(ctx.vault.open(row.report)) if row.report else None)
        for row in rows
    ]


def _report(session: Session, shop: Shop, event: DataRequested, orders: list[Order]) -> dict[str, Any]:
    ids = [order.id for order in orders]
    customers = customers_of(session, shop, event.customer_id, orders)
    addresses = addresses_of(customers, orders, event.email, event.phone)
    refs = {c.platform_id for c in customers}
    return {
        "shop": shop.domain,
        "customer": [
            _columns(c, "platform_id", "email", "phone", "first_name", "last_name", "locale") for c in customers
        ],
        "consent": [
            _columns(c, "channel", "address", "subscribed_at", "opted_out_at", "checkbox_at", "neutral_at")
            for c in session.scalars(select(Consent).where(Consent.shop_id == shop.id, Consent.address.in_(addresses)))
        ],
        "orders": [
            _columns(o, "platform_id", "name", "placed_at", "email", "phone", "first_name", "last_name", "locale",
                     "shipping_address", "lines", "refunds", "total_minor", "currency", "cancelled_at")
            for o in orders
        ],
        "parcels": [
            _columns(p, "platform_id", "name", "shipped_at", "carrier", "tracking_numbers", "tracking_urls",
                     "delivered_at", "words")
            for p in session.scalars(select(Parcel).where(Parcel.order_id.in_(ids)))
        ],
        "checkouts": [
            _columns(c, "token", "email", "completed_at", "details")
            for c in session.scalars(
                select(Checkout).where(
                    Checkout.shop_id == shop.id,
                    or_(Checkout.customer_ref.in_(refs), func.lower(Checkout.email).in_(addresses)),
                )
            )
        ],
        "not_written_to": [
            _columns(s, "channel", "address", "cause", "at")
            for s in session.scalars(
                select(Suppression).where(Suppression.shop_id == shop.id, Suppression.address.in_(addresses))
            )
        ],
        "messages": [
            _columns(m, "step", "subject", "state", "reason", "due_at", "sent_at", "address", "mail_subject")
            for table in (Message, MessageArchive)
            for m in session.scalars(select(table).where(table.order_id.in_(ids)))
        ],
        "clicks": [
            _columns(c, "target", "at", "by_scanner")
            for c in session.scalars(
                select(Click).join(Message, Message.id == Click.message_id).where(Message.order_id.in_(ids))
            )
        ],
        "opens": [
            _columns(o, "by_machine", "at", "last_at", "times")
            for o in session.scalars(
                select(Open).join(Message, Message.id == Open.message_id).where(Message.order_id.in_(ids))
            )
        ],
        "reactions": [
            _columns(r, "kind", "at")
            for r in session.scalars(
                select(Reaction).join(Message, Message.id == Reaction.message_id).where(Message.order_id.in_(ids))
            )
        ],
        "surveys": [
            _columns(s, "satisfaction", "recommendation", "words", "started_at", "completed_at", "given", "edited_at",
                     "leave_at", "leave_words", "leave_withdrawn_at")
            for s in session.scalars(select(SurveyAnswer).where(SurveyAnswer.order_id.in_(ids)))
        ],
        "offers": [
            _columns(o, "kind", "minor", "percent", "currency", "minimum_minor", "code", "state", "made_at",
                     "expires_at", "redeemed_order_id", "redeemed_at")
            for o in session.scalars(select(Offer).where(Offer.order_id.in_(ids)))
        ],
        "tags": [
            {"name": name, **_columns(tag, "by", "removed", "at")}
            for tag, name in session.execute(
                select(AnswerTag, FeedbackTag.name_en)
                .join(FeedbackTag, FeedbackTag.id == AnswerTag.tag_id)
                .where(AnswerTag.order_id.in_(ids))
            )
        ],
        "reviews": [
            _columns(r, "stars", "words", "first_name", "given_at", "state", "decided_at")
            for r in session.scalars(select(Review).where(Review.order_id.in_(ids)))
        ],
        "letters": [
            _columns(letter, "kind", "state", "words", "made_at", "sent_at")
            for letter in session.scalars(select(DeskLetter).where(DeskLetter.order_id.in_(ids)))
        ],
        "arrivals": [
            _columns(a, "parcel_id", "answer", "at")
            for a in session.scalars(select(ArrivalAnswer).where(ArrivalAnswer.order_id.in_(ids)))
        ],
        "issues": [
            _columns(i, "kind", "opened_at", "closed_at", "outcome", "words")
            for i in session.scalars(select(Issue).where(Issue.order_id.in_(ids)))
        ],
    }  # fmt: skip


def _columns(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
