"""The shop's own list of tags: add one, rename one, say which words suggest it, retire it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.domain.tags import clean_words
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.services.tagging import NoSuchTag, make_tags, read_again, tags_of
from plugin.store.models.feedback import AnswerTag, FeedbackTag

MOST_TAGS = 60
MAX_NAME = 60


class BadTag(ValueError):
    """What was given cannot be a tag. `field`: name (missing, too long or taken) or tags (too many)."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class TagLine:
    """A tag of the list. `answers`: how many carry it."""

    id: int
    key: str | None
    name_en: str
    name_ko: str
    words: tuple[str, ...]
    retired: bool
    answers: int


def tag_list(session: Session, shop_id: int) -> list[TagLine]:
    """Those in use first."""
    tags = tags_of(session, shop_id)
    counted = (
        select(AnswerTag.tag_id, func.count())
        .where(AnswerTag.tag_id.in_([tag.id for tag in tags]), AnswerTag.removed.is_(False))
        .group_by(AnswerTag.tag_id)
    )
    counts: dict[int, int] = {tag_id: count for tag_id, count in session.execute(counted)}  # noqa: C416
    lines = [
        TagLine(tag.id, tag.key, tag.name_en, tag.name_ko, tuple(tag.words), tag.retired_at is not None,
                counts.get(tag.id, 0))
        for tag in tags
    ]  # fmt: skip
    return sorted(lines, key=lambda line: line.retired)


def start(ctx: Context, shop_id: int) -> None:
    """Make the starting set, if it is not there, and have earlier answers read."""
    with ctx.database.transaction() as session:
        make_tags(session, shop_id)


def add_tag(ctx: Context, shop_id: int, name_en: str, name_ko: str, words: Iterable[str], actor: str) -> int:
    """A tag of the shop's own; a name left out is the other one. Its words are looked for in earlier answers too.

    Returns its id. Raises BadTag.
    """
    with ctx.database.transaction() as session:
        tags = make_tags(session, shop_id)
        if len(tags) >= MOST_TAGS:
            raise BadTag("tags")
        names = _names(name_en, name_ko, tags)
        tag = FeedbackTag(shop_id=shop_id, key=None, name_en=names[0], name_ko=names[1], words=list(clean_words(words)))
        session.add(tag)
        session.flush()
        record_change(session, shop_id, actor, "feedback.tags", None, _told(tag), ctx.clock.now())
        if tag.words:
            read_again(session, shop_id)
        return tag.id


def change_tag(
    ctx: Context, shop_id: int, tag_id: int, name_en: str, name_ko: str, words: Iterable[str], retired: bool, actor: str
) -> None:
    """Raises NoSuchTag, BadTag."""
    with ctx.database.transaction() as session:
        tags = tags_of(session, shop_id)
        tag = next((tag for tag in tags if tag.id == tag_id), None)
        if tag is None:
            raise NoSuchTag(tag_id)
        names = _names(name_en, name_ko, [other for other in tags if other is not tag])
        before, now = _told(tag), ctx.clock.now()
        tag.name_en, tag.name_ko = names
        tag.words = list(clean_words(words))
        tag.retired_at = (tag.retired_at or now) if retired else None
        after = _told(tag)
        record_change(session, shop_id, actor, "feedback.tags", before, {**after, "tag": tag_id}, now)
        if (before["words"], before["retired"]) != (after["words"], after["retired"]):
            read_again(session, shop_id)


def _names(name_en: str, name_ko: str, others: Iterable[FeedbackTag]) -> tuple[str, str]:
    en, ko = " ".join(name_en.split()), " ".join(name_ko.split())
    en, ko = en or ko, ko or en
    taken = {name.casefold() for tag in others for name in (tag.name_en, tag.name_ko)}
    if not en or max(len(en), len(ko)) > MAX_NAME or {en.casefold(), ko.casefold()} & taken:
        raise BadTag("name")
    return en, ko


def _told(tag: FeedbackTag) -> dict[str, object]:
    names = {"name_en": tag.name_en, "name_ko": tag.name_ko}
    return {**names, "words": list(tag.words), "retired": tag.retired_at is not None}
