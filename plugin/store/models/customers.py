"""Customers, their consent, and what they said back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Customer(Base):
    """A platform's customer. Its row is the lock under which the plans of all its orders are made."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("shop_id", "platform_id"), Index("ix_customers_merged", "merged_into_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    platform_id: Mapped[str] = mapped_column(String(64))
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(60))
    first_name: Mapped[str | None] = mapped_column(String(255))
    last_name: Mapped[str | None] = mapped_column(String(255))
    locale: Mapped[str | None] = mapped_column(String(35))
    version: Mapped[str | None] = mapped_column(String(160))  # of the newest snapshot; see store.versions
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    deleted_at: Mapped[datetime | None]
    redacted_at: Mapped[datetime | None]


class Consent(Base):
    """The newest word of each kind for one address; the moments merge by maximum, so arrival order cannot matter."""

    __tablename__ = "consents"
    __table_args__ = (UniqueConstraint("shop_id", "channel", "address"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    channel: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(320))  # normalised
    subscribed_at: Mapped[datetime | None]  # an explicit subscription
    opted_out_at: Mapped[datetime | None]
    checkbox_at: Mapped[datetime | None]  # ticked at an order
    neutral_at: Mapped[datetime | None]  # not_subscribed or pending


class Suppression(Base):
    """An address that must not be written to: it is dead or its owner complained; or one that was dead."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("shop_id", "channel", "address"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    channel: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(320))
    cause: Mapped[str] = mapped_column(String(20))  # dead, complained; lifted: dead once, freed by the shop
    at: Mapped[datetime]


class ArrivalAnswer(Base):
    """The customer's word on one parcel: "yes" or "not_yet". A fact; both may be given, one after the other."""

    __tablename__ = "arrival_answers"
    __table_args__ = (Index("ix_arrival_answers_order", "order_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    parcel_id: Mapped[str] = mapped_column(String(64))  # the platform's; the order's id for a digital order
    answer: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]


class Issue(Base):
    """Something that the shop must mend. kind: not_arrived and low_rating, which pause selling, failed_message, and
    feedback: a reply to an answer that was no complaint.

    Closed: arrived or lost; settled for the others; withdrawn when the customer took the low rating back.
    """

    __tablename__ = "issues"
    __table_args__ = (
        Index("ix_issues_order", "order_id"),
        Index("ix_issues_shop_open", "shop_id", "closed_at"),
        Index("ix_issues_shop", "shop_id", "id"),
        Index("ix_issues_message", "message_id", unique=True),
        Index("ix_issues_untold", "tell_at", postgresql_where=text("tell_at IS NOT NULL"),
              sqlite_where=text("tell_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    parcel_id: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    tell_at: Mapped[datetime | None]  # machine time from which the shop is to be told by mail; None once it was
    words: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[int | None] = mapped_column(BigId)  # that failed; no reference, so that messages may be archived
    owner: Mapped[str | None] = mapped_column(String(320))  # who of the shop looks after it
    reply_by: Mapped[datetime | None]  # the desk's goal for a first answer
    first_replied_at: Mapped[datetime | None]
    solved: Mapped[str | None] = mapped_column(String(3))  # the customer's yes or no after closing
    solved_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]  # by that no


class SurveyAnswer(Base):
    """One answer for each order. `completed_at` None: the tap in the mail was saved, the rest not yet.

    `given`: every answer by its question's id, with what was asked (`domain.survey.Given`); satisfaction,
    recommendation and words are there again. The leave to publish holds while `leave_withdrawn_at` is None.
    """

    __tablename__ = "survey_answers"
    __table_args__ = (UniqueConstraint("order_id"), Index("ix_survey_answers_shop", "shop_id", "started_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    satisfaction: Mapped[int | None]  # 1 to 5
    recommendation: Mapped[int | None]  # 0 to 10
    words: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    given: Mapped[dict[str, Any] | None]
    seconds: Mapped[int | None]  # from the page's first sight to the answer; None: not measured
    edited_at: Mapped[datetime | None]  # after it was complete
    leave_at: Mapped[datetime | None]
    leave_words: Mapped[str | None] = mapped_column(Text)  # what the customer agreed to, as it was put
    leave_withdrawn_at: Mapped[datetime | None]


class DataRequest(Base):
    """A customer's data, collected for the merchant; `report` is encrypted."""

    __tablename__ = "data_requests"
    __table_args__ = (UniqueConstraint("shop_id", "request_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    request_id: Mapped[str] = mapped_column(String(64))
    customer_ref: Mapped[str | None] = mapped_column(String(64))
    requested_at: Mapped[datetime]
    report: Mapped[str | None] = mapped_column(Text)


class Checkout(Base):
    """A cart as last told, for the flows to come. `details` holds its lines; the recovery link is encrypted."""

    __tablename__ = "checkouts"
    __table_args__ = (UniqueConstraint("shop_id", "token"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    token: Mapped[str] = mapped_column(String(120))
    customer_ref: Mapped[str | None] = mapped_column(String(64))
    email: Mapped[str | None] = mapped_column(String(320))
    version: Mapped[str | None] = mapped_column(String(160))
    completed_at: Mapped[datetime | None]
    deleted: Mapped[bool] = mapped_column(default=False)
    recovery_url: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any] | None]
