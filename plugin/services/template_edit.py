"""What a merchant writes into a message: checking it, seeing it on a real order, its versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.content.merchant_liquid import check
from plugin.content.model import Links, MessageView, Rendered
from plugin.content.preview import samples
from plugin.content.render import render
from plugin.domain import flows
from plugin.domain.flows import POST_PURCHASE, State
from plugin.services.compose import compose, shop_view
from plugin.services.context import Context
from plugin.services.desk import lay_out
from plugin.services.leave import go
from plugin.services.order_search import NoSuchOrder
from plugin.services.shops import shop_of
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.templates import TemplateVersion
from schemas.settings import LANGUAGES, STEPS, ShopSettings, load_settings

RECENT = 20  # orders to choose from for a preview
VERSIONS = 50  # shown of one wording


class NoSuchStep(LookupError):
    """No such step, or no such language."""


class NoSuchVersion(LookupError):
    """The shop saved no such version of this wording."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A wording of a step in one language. None or blank: the default stands."""

    step: str
    language: str
    subject: str | None = None
    intro: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a draft. `field`: subject or intro; `line` counts from 1."""

    field: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Version:
    """A wording that was saved. `at`: business time."""

    id: int
    subject: str | None
    intro: str | None
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """An order that a preview can be made of."""

    id: int
    name: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would read now. `order_name` None: made of sample values, for want of an order."""

    rendered: Rendered
    order_name: str | None


def known(step: str, language: str) -> None:
    """Raises NoSuchStep."""
    if step not in STEPS or language not in LANGUAGES:
        raise NoSuchStep(f"{step}.{language}")


def draft_in_use(session: Session, shop_id: int, step: str, language: str) -> Draft:
    """The wording that the settings hold. Raises NoSuchStep, UnknownShop."""
    known(step, language)
    told = load_settings(shop_of(session, shop_id).settings).step(step)
    return Draft(step, language, told.subject.get(language), told.intro.get(language))


def faults(draft: Draft) -> list[Fault]:
    """What is wrong with it; an empty list when it can be saved."""
    return [
        Fault(field, error.line, error.message)
        for field, source in (("subject", draft.subject), ("intro", draft.intro)) if source
        for error in check(source)
    ]  # fmt: skip


def mistakes(settings: ShopSettings) -> dict[str, dict[str, dict[str, dict[str, list[str]]]]]:
    """What is wrong with the wordings of all steps, nested as the settings are: step, field, language."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for name, step in settings.steps.items():
        for field, texts in (("subject", step.subject), ("intro", step.intro)):
            for language, source in texts.items():
                if wrong := check(source):
                    told = [f"line {error.line}: {error.message}" for error in wrong]
                    found.setdefault(name, {}).setdefault(field, {})[language] = told
    return {"steps": found} if found else {}


def worded(settings: ShopSettings, draft: Draft) -> ShopSettings:
    """The settings with the draft in them. Raises NoSuchStep."""
    known(draft.step, draft.language)
    step = settings.step(draft.step)
    step = replace(
        step,
        subject=_with(step.subject, draft.language, draft.subject),
        intro=_with(step.intro, draft.language, draft.intro),
    )
    return replace(settings, steps={**settings.steps, draft.step: step})


def note_versions(
    session: Session, shop_id: int, actor: str, before: ShopSettings, after: ShopSettings, at: datetime
) -> None:
    """Keep every wording that the new settings change, whichever page or program changed it."""
    for step in STEPS:
        for language in LANGUAGES:
            old, new = (_wording(settings, step, language) for settings in (before, after))
            if old == new:
                continue
            session.add(TemplateVersion(
                shop_id=shop_id, step=step, language=language, subject=new[0], intro=new[1], actor=actor, at=at,
            ))  # fmt: skip


def versions(session: Session, shop_id: int, step: str, language: str) -> Sequence[Version]:
    """What was saved, the newest first. Raises NoSuchStep."""
    known(step, language)
    v = TemplateVersion
    rows = session.scalars(
        select(v).where(v.shop_id == shop_id, v.step == step, v.language == language)
        .order_by(v.id.desc()).limit(VERSIONS)
    )  # fmt: skip
    return [Version(row.id, row.subject, row.intro, row.actor, row.at) for row in rows]


def version_of(session: Session, shop_id: int, step: str, language: str, version_id: int) -> Draft:
    """A version as a draft. Raises NoSuchVersion, NoSuchStep."""
    known(step, language)
    v = TemplateVersion
    mine = v.id == version_id, v.shop_id == shop_id, v.step == step, v.language == language
    found = session.scalar(select(v).where(*mine))
    if found is None:
        raise NoSuchVersion(version_id)
    return Draft(step, language, found.subject, found.intro)


def choices(session: Session, shop_id: int) -> Sequence[Choice]:
    """The shop's newest orders that a message could be about."""
    o = Order
    rows = session.execute(
        select(o.id, o.name, o.platform_id, o.placed_at)
        .where(o.shop_id == shop_id, o.placed_at.is_not(None), o.version.is_not(None), o.redacted_at.is_(None))
        .order_by(o.placed_at.desc()).limit(RECENT)
    )  # fmt: skip
    return [Choice(row.id, row.name or row.platform_id, row.placed_at) for row in rows]


def preview(session: Session, ctx: Context, shop_id: int, draft: Draft, order_id: int | None = None) -> Preview:
    """The draft on a real order (`order_id`; None: the newest), in the draft's language; on samples without any order.

    Its links lead nowhere, so that nobody can answer in a customer's name. Raises NoSuchStep, NoSuchOrder, UnknownShop.
    """
    known(draft.step, draft.language)
    shop = shop_of(session, shop_id)
    settings = load_settings(shop.settings)
    if order_id is None:
        order_id = next((choice.id for choice in choices(session, shop_id)), None)
    if order_id is None:
        view = replace(samples()[f"{draft.step}.{draft.language}"], shop=shop_view(shop, settings))
        return Preview(render(_drafted(ctx, view, draft)), None)
    order = session.scalar(
        select(Order).where(Order.id == order_id, Order.shop_id == shop_id, Order.redacted_at.is_(None))
    )
    if order is None:
        raise NoSuchOrder(order_id)
    message = _imagined(session, order, draft.step)
    leaves = go(shop, settings, draft.step, sells=True)
    view = compose(lay_out(session, [message]), ctx, shop, settings, order, message, leaves)
    return Preview(render(_drafted(ctx, view, draft)), order.name or order.platform_id)


def _imagined(session: Session, order: Order, step: str) -> Message:
    """The message that this step would be about; it is no row of the database."""
    parcel = select(Parcel.platform_id).where(Parcel.order_id == order.id, Parcel.version.is_not(None)).limit(1)
    parcels = [found] if (found := session.scalar(parcel)) else []
    return Message(
        id=0, shop_id=order.shop_id, order_id=order.id, customer_id=order.customer_id, flow=POST_PURCHASE, step=step,
        subject=order.platform_id, channel="email", copy=0, state=State.PLANNED, reason="",
        message_class=flows.STEPS[step].message_class, parcels=parcels, estimated=False, attempts=0,
    )  # fmt: skip


def _drafted(ctx: Context, view: MessageView, draft: Draft) -> MessageView:
    """In the draft's words and language; every link that opens something of a customer's leads to our front door."""
    door = f"{ctx.settings.public_url}/"
    return replace(
        view,
        locale=view.locale if view.locale[:2] == draft.language else draft.language,
        subject=draft.subject,
        intro=draft.intro,
        links=Links(unsubscribe=door if view.links.unsubscribe else None, survey=door, arrived=door),
        status_url=door if view.status_url else None,
        products=tuple(replace(product, url=door) for product in view.products),
        offer=replace(view.offer, url=door) if view.offer else None,
        early=replace(view.early, url=door) if view.early else None,
    )


def _with(texts: dict[str, str], language: str, text: str | None) -> dict[str, str]:
    kept = {tongue: other for tongue, other in texts.items() if tongue != language}
    return {**kept, language: text} if text and text.strip() else kept


def _wording(settings: ShopSettings, step: str, language: str) -> tuple[str | None, str | None]:
    told = settings.step(step)
    return told.subject.get(language), told.intro.get(language)
