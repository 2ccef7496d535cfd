"""Everything of a shop as JSON lines, streamed: read in small batches, each on an index, whatever the shop's size.

Every line is an object with its `type`. What follows an order (parcels, messages, answers …) comes after it and names
it by the platform's id; what came of a message names the message. The last line is `end` with the counts: a file
without it is cut short. Secrets are left out: links that open an order or a cart, tokens, and the mails' contents, in
which both stand.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.services.shops import shop_of
from plugin.store.models.archive import MessageArchive
from plugin.store.models.base import Base
from plugin.store.models.customers import (
    ArrivalAnswer,
    Checkout,
    Consent,
    Customer,
    DataRequest,
    Issue,
    Suppression,
    SurveyAnswer,
)
from plugin.store.models.desk import DeskHours, DeskLetter
from plugin.store.models.feedback import AnswerTag, FeedbackTag, Mending
from plugin.store.models.figures import FigureDay, Open, Reaction
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Act, Click, Message
from plugin.store.models.offers import Offer, OrderMedian
from plugin.store.models.orders import Order, Parcel, Product
from plugin.store.models.reviews import Review
from plugin.store.models.senders import SenderCheck, SenderDomain
from plugin.store.models.shops import Shop
from plugin.store.models.templates import TemplateVersion

FORMAT = 1
BATCH = 200  # rows of one query

# What is told of each table. A column that is in neither list fails a test: whoever adds one decides.
TOLD: dict[type[Base], tuple[str, ...]] = {
    Shop: ("platform", "domain", "live", "installed_at", "live_at", "uninstalled_at", "name", "email", "phone",
           "storefront", "address", "currency", "locale", "timezone", "scopes", "settings"),
    Customer: ("platform_id", "email", "phone", "first_name", "last_name", "locale", "deleted_at", "redacted_at"),
    Consent: ("channel", "address", "subscribed_at", "opted_out_at", "checkbox_at", "neutral_at"),
    Suppression: ("channel", "address", "cause", "at"),
    Product: ("platform_id", "title", "handle", "url", "image_url", "price_minor", "currency", "published", "in_stock",
              "product_type", "vendor", "deleted"),
    Checkout: ("customer_ref", "email", "completed_at", "deleted", "details"),
    Order: ("platform_id", "first_heard_at", "told_at", "placed_at", "name", "email", "address", "phone", "first_name",
            "last_name", "locale", "country_code", "shipping_address", "financial_status", "cancelled_at", "test",
            "source_name", "pickup", "total_minor", "currency", "lines", "refunds", "edits", "deleted_at",
            "redacted_at", "archived_at"),
    Parcel: ("platform_id", "first_heard_at", "name", "status", "shipped_at", "carrier", "tracking_numbers",
             "tracking_urls", "lines", "country_code", "words", "delivered_at", "estimated_at"),
    Message: ("id", "flow", "step", "subject", "channel", "copy", "state", "reason", "message_class", "due_at",
              "ready_at", "parcels", "estimated", "attempts", "sent_at", "accepted_at", "address", "mail_subject",
              "error"),
    MessageArchive: ("id", "flow", "step", "subject", "channel", "copy", "state", "reason", "message_class", "due_at",
                     "parcels", "estimated", "attempts", "sent_at", "accepted_at", "address", "mail_subject", "error",
                     "opened_at", "clicked_at"),
    Click: ("target", "at", "by_scanner"),
    Open: ("by_machine", "at", "last_at", "times"),
    Reaction: ("kind", "at"),
    Offer: ("purpose", "tier", "kind", "minor", "percent", "currency", "minimum_minor", "days", "code", "platform_id",
            "state", "reason", "attempts", "asked_at", "made_at", "expires_at", "redeemed_order_id", "redeemed_at"),
    OrderMedian: ("currency", "median_minor", "orders", "counted_at"),
    Act: ("step", "subject", "copy", "kind", "at"),
    ArrivalAnswer: ("parcel_id", "answer", "at"),
    SurveyAnswer: ("satisfaction", "recommendation", "words", "started_at", "completed_at", "given", "seconds",
                   "edited_at", "leave_at", "leave_words", "leave_withdrawn_at"),
    Review: ("products", "stars", "words", "first_name", "language", "given_at", "state", "decided_at", "decided_by"),
    AnswerTag: ("tag_id", "by", "removed", "at"),
    FeedbackTag: ("id", "key", "name_en", "name_ko", "words", "retired_at"),
    Mending: ("tag_id", "sentence_en", "sentence_ko", "actor", "made_at", "undone_at"),
    Issue: ("id", "parcel_id", "kind", "opened_at", "closed_at", "outcome", "words", "message_id", "owner", "reply_by",
            "first_replied_at", "solved", "solved_at", "reopened_at"),
    DeskLetter: ("issue_id", "kind", "number", "state", "reason", "words", "author", "made_at", "sent_at"),
    DeskHours: ("zone", "days", "goal_minutes"),
    DataRequest: ("request_id", "customer_ref", "requested_at"),
    Change: ("actor", "what", "before", "after", "at"),
    TemplateVersion: ("step", "language", "subject", "intro", "actor", "at"),
    SenderCheck: ("address", "asked_at", "verified_at"),
    SenderDomain: ("domain", "looked_at", "found"),
    FigureDay: ("day", "step", "sent", "bounced", "opened", "machine_opened", "clicked", "unsubscribed", "complained",
                "orders", "revenue"),
}  # fmt: skip
# Row numbers and what only moves the machine; links that open something; what is sealed.
UNTOLD: dict[type[Base], tuple[str, ...]] = {
    Shop: ("id", "code", "told_at", "plans_behind"),
    Customer: ("version", "merged_into_id"),
    Product: ("version",),
    Checkout: ("token", "version", "recovery_url"),
    Order: ("customer_id", "version", "status_url"),
    Parcel: ("version",),
    Message: ("customer_id", "claim_token", "lease_until"),
    MessageArchive: ("at",),
    AnswerTag: ("answer_id", "answered_at"),
    Mending: ("id", "planned_after"),
    Issue: ("tell_at",),
    DeskLetter: ("ready_at", "attempts", "claim_token", "lease_until"),
    DataRequest: ("report",),
    SenderCheck: ("token_hash", "mail_at", "expires_at", "attempts"),
    Review: ("answer_id",),
}
_OF_ORDERS: tuple[Any, ...] = (
    Parcel, Act, ArrivalAnswer, SurveyAnswer, AnswerTag, Review, Issue, DeskLetter, Offer, Message, MessageArchive,
)  # fmt: skip
_OF_MESSAGES: tuple[Any, ...] = (Click, Open, Reaction)
_NAMES = {
    DataRequest: "data_request", ArrivalAnswer: "arrival_answer", SurveyAnswer: "survey_answer", DeskLetter: "letter",
    DeskHours: "desk_hours", MessageArchive: "archived_message", TemplateVersion: "template_version",
    FigureDay: "figures", OrderMedian: "order_median", AnswerTag: "answer_tag", FeedbackTag: "feedback_tag",
}  # fmt: skip

Line = dict[str, Any]


def export(ctx: Context, shop_id: int) -> Iterator[bytes]:
    """The lines of the file, each with its line feed. What changes meanwhile is told as it is when it is read.

    Raises UnknownShop before the first line.
    """
    with ctx.database.reading() as session:
        shop = shop_of(session, shop_id)
    return _numbered(ctx, shop)


def _numbered(ctx: Context, shop: Shop) -> Iterator[bytes]:
    counts: Counter[str] = Counter()
    yield _encoded({"type": "export", "format": FORMAT, "shop": shop.domain, "made_at": ctx.clock.now()})
    for line in _lines(ctx, shop):
        counts[line["type"]] += 1
        yield _encoded(line)
    yield _encoded({"type": "end", "lines": dict(counts)})


def _lines(ctx: Context, shop: Shop) -> Iterator[Line]:
    yield _told(shop)
    for model, keys in (
        (DeskHours, ("shop_id",)),
        (TemplateVersion, ("step", "language", "id")),
        (FeedbackTag, ("id",)),
        (Mending, ("made_at", "id")),
        (Product, ("platform_id",)),
        (Customer, ("platform_id",)),
        (Consent, ("channel", "address")),
        (Suppression, ("channel", "address")),
        (Checkout, ("token",)),
        (DataRequest, ("request_id",)),
        (Change, ("id",)),
        (SenderCheck, ("address",)),
        (SenderDomain, ("domain",)),
        (FigureDay, ("day", "step")),
        (OrderMedian, ("currency",)),
    ):
        for _, rows in _batches(ctx, shop.id, model, keys):
            yield from map(_told, rows)
    for session, orders in _batches(ctx, shop.id, Order, ("platform_id",)):
        yield from _of_orders(session, shop.id, orders)


def _batches(
    ctx: Context, shop_id: int, model: type[Any], keys: Sequence[str]
) -> Iterator[tuple[Session, Sequence[Any]]]:
    """A table's rows of the shop by a unique key, which an index serves; a short transaction for each batch."""
    columns = [getattr(model, key) for key in keys]
    after: tuple[Any, ...] | None = None
    while True:
        query = select(model).where(model.shop_id == shop_id).order_by(*columns).limit(BATCH)
        if after is not None:
            query = query.where(tuple_(*columns) > after)
        with ctx.database.reading() as session:
            rows = session.scalars(query).all()
            if rows:
                yield session, rows
        if len(rows) < BATCH:
            return
        after = tuple(getattr(rows[-1], key) for key in keys)


def _of_orders(session: Session, shop_id: int, orders: Sequence[Order]) -> Iterator[Line]:
    """Each order, then what belongs to it."""
    refs = {order.id: order.platform_id for order in orders}
    people = {order.customer_id for order in orders if order.customer_id}
    known = session.execute(select(Customer.id, Customer.platform_id).where(Customer.id.in_(people)))
    customers = {id_: platform_id for id_, platform_id in known}  # noqa: C416 (dict() of rows is not typed)
    children: defaultdict[int, list[Line]] = defaultdict(list)
    for model in _OF_ORDERS:
        columns = model.order_id.in_(refs), model.shop_id == shop_id
        rows = session.scalars(select(model).where(*columns).order_by(model.order_id, model.id)).all()
        back = _of_messages(session, shop_id, [row.id for row in rows]) if model is Message else {}
        for row in rows:
            children[row.order_id] += [_told(row, order=refs[row.order_id]), *back.get(row.id, ())]
    for order in orders:
        yield _told(order, customer=customers.get(order.customer_id or 0))
        yield from children[order.id]


def _of_messages(session: Session, shop_id: int, ids: Sequence[int]) -> defaultdict[int, list[Line]]:
    found: defaultdict[int, list[Line]] = defaultdict(list)
    for model in _OF_MESSAGES:
        for place in range(0, len(ids), BATCH):
            columns = model.message_id.in_(ids[place : place + BATCH]), model.shop_id == shop_id
            for row in session.scalars(select(model).where(*columns).order_by(model.message_id, model.id)):
                found[row.message_id].append(_told(row, message=row.message_id))
    return found


def _told(row: Base, **refs: object) -> Line:
    model = type(row)
    name = _NAMES.get(model) or model.__name__.lower()
    return {"type": name, **refs, **{column: getattr(row, column) for column in TOLD[model]}}


def _encoded(line: Line) -> bytes:
    return (json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=_plain) + "\n").encode()


def _plain(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(type(value).__name__)
