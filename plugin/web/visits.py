"""What a customer's page needs to know before it is drawn: read only, within the shop of the token's message."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.content.formats import text_language
from plugin.content.model import ShopView
from plugin.content.safe_text import mail_href, one_line, phone_href, safe_url
from plugin.domain.addresses import masked
from plugin.services.answers import (
    Erased,
    NotThere,
    address_of,
    latest_answer,
    latest_issue,
)
from plugin.services.archive import find_message
from plugin.services.consents import consents_of
from plugin.services.issue_desk import newest_question
from plugin.services.shops import shop_of
from plugin.services.survey_view import Survey, survey_of, survey_view
from plugin.store.models.archive import MessageArchive
from plugin.store.models.customers import Issue
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings
from schemas.survey import Question

SHOWN_TITLES = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The message whose token was shown, and how to speak to its reader."""

    message_id: int
    language: str
    shop: ShopView
    mail_href: str | None
    phone_href: str | None
    minutes: int
    questions: tuple[Question, ...]
    order: Order
    message: Message | MessageArchive

    @property
    def order_name(self) -> str:
        return one_line(self.order.name, 40) or ""

    def titles(self, line_ids: set[str] | None = None) -> list[str]:
        """The products of the order, or of these lines of it, at most five."""
        lines = [line for line in self.order.lines if line_ids is None or line.get("line_id") in line_ids]
        return [title for line in lines[:SHOWN_TITLES] if (title := one_line(line.get("title"), 120))]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelNews:
    """What is known of the parcel that the page asks about. `answer`: "yes", "not_yet" or None."""

    titles: list[str]
    tracking_url: str | None
    carrier: str | None
    answer: str | None
    words: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueVisit:
    """The issue whose token was shown. `question`: the number of the newest letter that asked whether it is solved."""

    language: str
    shop: ShopView
    mail_href: str | None
    phone_href: str | None
    order_name: str
    closed: bool
    question: int
    answer: str | None  # yes or no, once given


def issue_visit(session: Session, issue_id: int) -> IssueVisit:
    """Raises NotThere, Erased."""
    issue = session.get(Issue, issue_id)
    if issue is None:
        raise NotThere
    order, shop = session.get_one(Order, issue.order_id), session.get_one(Shop, issue.shop_id)
    if order.redacted_at:
        raise Erased
    settings = _settings(shop)
    view = _shop_view(shop, settings)
    return IssueVisit(
        language=text_language(order.locale or settings.language or shop.locale),
        shop=view,
        mail_href=mail_href(view.support_email, order.name) if view.support_email else None,
        phone_href=phone_href(view.support_phone) if view.support_phone else None,
        order_name=one_line(order.name, 40) or "",
        closed=issue.closed_at is not None,
        question=newest_question(session, issue_id),
        answer=issue.solved,
    )


def visit(session: Session, message_id: int) -> Visit:
    """Raises NotThere, Erased."""
    message = find_message(session, message_id)
    if message is None:
        raise NotThere
    order = session.scalar(select(Order).where(Order.id == message.order_id, Order.shop_id == message.shop_id))
    shop = session.get(Shop, message.shop_id)
    if order is None or shop is None:
        raise NotThere
    if order.redacted_at:
        raise Erased
    settings = _settings(shop)
    view = _shop_view(shop, settings)
    return Visit(
        message_id=message_id,
        language=text_language(order.locale or settings.language or shop.locale),
        shop=view,
        mail_href=mail_href(view.support_email, order.name) if view.support_email else None,
        phone_href=phone_href(view.support_phone) if view.support_phone else None,
        minutes=settings.survey_minutes,
        questions=settings.survey(),
        order=order,
        message=message,
    )


def sample(session: Session, shop_id: int, language: str) -> Visit:
    """A visit that nobody made, to show a merchant their page: of no order of theirs. Raises UnknownShop."""
    shop = shop_of(session, shop_id)
    settings = _settings(shop)
    view = _shop_view(shop, settings)
    return Visit(
        message_id=0, language=language, shop=view, minutes=settings.survey_minutes, questions=settings.survey(),
        mail_href=mail_href(view.support_email, None) if view.support_email else None,
        phone_href=phone_href(view.support_phone) if view.support_phone else None,
        order=Order(name="#1001", lines=[]), message=Message(id=0),
    )  # fmt: skip


def address(seen: Visit) -> str:
    """The address that the unsubscribe page speaks of, masked. Raises Erased when there is none."""
    found = address_of(seen.message, seen.order)
    if found is None:
        raise Erased
    return masked(found)


def opted_out(session: Session, seen: Visit) -> bool:
    key = address_of(seen.message, seen.order)
    words = consents_of(session, seen.order.shop_id, [key]).get(key) if key else None
    return words is not None and words.opted_out


def survey(session: Session, seen: Visit, now: datetime) -> Survey | None:
    found = survey_of(session, seen.order)
    return survey_view(found, now) if found else None


def parcel_news(session: Session, seen: Visit, parcel_id: str) -> ParcelNews:
    order = seen.order
    parcel = session.scalar(
        select(Parcel).where(
            Parcel.shop_id == order.shop_id, Parcel.order_id == order.id, Parcel.platform_id == parcel_id
        )
    )
    lines = {str(line[0]) for line in parcel.lines} if parcel and parcel.lines else None
    issue = latest_issue(session, order, parcel_id)
    urls = [url for raw in (parcel.tracking_urls if parcel else []) if (url := safe_url(str(raw)))]
    return ParcelNews(
        titles=seen.titles(lines),
        tracking_url=urls[0] if urls else None,
        carrier=one_line(parcel.carrier, 60) if parcel else None,
        answer=latest_answer(session, order, parcel_id),
        words=issue.words if issue is not None and issue.closed_at is None else None,
    )


def _settings(shop: Shop) -> ShopSettings:
    try:
        return load_settings(shop.settings or {})
    except ValidationError:  # a customer must be able to unsubscribe from a shop whose settings are broken
        log.error("settings_unreadable", extra={"shop_id": shop.id})
        return ShopSettings()


def _shop_view(shop: Shop, settings: ShopSettings) -> ShopView:
    logo = safe_url(settings.brand.logo_url)
    return ShopView(
        name=one_line(shop.name, 100) or shop.domain,
        url=f"https://{shop.storefront or shop.domain}",
        support_email=one_line(settings.support.email or shop.email, 254) or "",
        support_phone=one_line(settings.support.phone or shop.phone, 60),
        support_hours=one_line(settings.support.hours, 120),
        help_url=safe_url(settings.support.help_url),
        logo_url=logo if logo and logo.startswith("https://") else None,  # the page's policy allows no other
        colour=settings.brand.colour,
        legal_name=one_line(settings.brand.legal_name),
        postal_address=settings.brand.postal_address,
    )
