"""What a mail "you told us, we fixed it" says: the tag's name and the merchant's sentence, in one language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.complaints import mending_of
from plugin.domain.flows import YOU_TOLD_US
from plugin.store.models.feedback import FeedbackTag, Mending
from plugin.store.models.messages import Message


@dataclass(frozen=True, slots=True)
class MendingWords:
    """By language; a sentence that the merchant did not write is missing."""

    names: dict[str, str]
    sentences: dict[str, str]

    def language(self, wanted: str) -> str:
        """The wanted one where it has a sentence, else the one that has: a whole mail in one language."""
        return wanted if wanted in self.sentences else next(iter(self.sentences), wanted)


def mending_words(session: Session, messages: Iterable[Message]) -> dict[int, MendingWords]:
    """By message, of those that tell of a mending; nothing is asked when none does."""
    wanted = {
        message.id: (message.shop_id, mending_of(message.subject))
        for message in messages if message.step == YOU_TOLD_US
    }  # fmt: skip
    if not wanted:
        return {}
    rows = session.execute(
        select(Mending, FeedbackTag)
        .join(FeedbackTag, FeedbackTag.id == Mending.tag_id)
        .where(Mending.id.in_({id_ for _, id_ in wanted.values() if id_ is not None}))
    )
    found = {(mending.shop_id, mending.id): words_of(mending, tag) for mending, tag in rows}
    return {message_id: found[key] for message_id, key in wanted.items() if key in found}


def words_of(mending: Mending, tag: FeedbackTag) -> MendingWords:
    told = {"en": mending.sentence_en, "ko": mending.sentence_ko}
    names = {"en": tag.name_en, "ko": tag.name_ko}
    return MendingWords(names, {language: text for language, text in told.items() if text})
