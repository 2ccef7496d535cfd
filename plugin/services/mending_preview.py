"""The mail of a mending as it would read, with sample values in place of a customer's."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.content.model import Rendered
from plugin.content.preview import samples
from plugin.content.render import render
from plugin.domain.flows import YOU_TOLD_US
from plugin.services.compose import shop_view
from plugin.services.shops import shop_of
from plugin.services.tagging import NoSuchTag
from plugin.store.models.feedback import FeedbackTag
from schemas.settings import LANGUAGES, load_settings


def preview(session: Session, shop_id: int, tag_id: int, language: str, sentence: str) -> Rendered:
    """Raises NoSuchTag, UnknownShop, KeyError for a language that there is not."""
    if language not in LANGUAGES:
        raise KeyError(language)
    shop = shop_of(session, shop_id)
    tag = session.scalar(select(FeedbackTag).where(FeedbackTag.id == tag_id, FeedbackTag.shop_id == shop_id))
    if tag is None:
        raise NoSuchTag(tag_id)
    sample = samples()[f"{YOU_TOLD_US}.{language}"]
    name = tag.name_ko if language == "ko" else tag.name_en
    return render(replace(sample, shop=shop_view(shop, load_settings(shop.settings)), told=name, mended=sentence))
