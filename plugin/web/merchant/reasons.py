"""A message's reason in the language of the page. What has no translation is shown as it stands."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

from babel.dates import format_datetime

from plugin.content.formats import parse_locale
from plugin.web.merchant.filters import zone
from plugin.web.merchant.reasons_ko import PATTERNS, SENTENCES

# Reasons are stored with moments in UTC and without a year: `26 Nov 05:20 UTC`.
_MOMENT = re.compile(r"(\d{1,2} \w{3} \d\d:\d\d) UTC")
_COMPILED = tuple((re.compile(pattern), words) for pattern, words in PATTERNS)


def reason(text: str, language: str, timezone: str | None = None, now: datetime | None = None) -> str:
    """The reason as a sentence of its own, without a full stop. Its moments are told in the shop's zone.

    `now`: the moments are the nearest to it; the present year where none is given.
    """
    near = now or datetime.now(UTC)
    text = _MOMENT.sub(lambda found: _local(found, language, timezone, near), text)
    return _sentence(text, language)


def _local(found: re.Match[str], language: str, timezone: str | None, near: datetime) -> str:
    moments = []
    for year in (near.year - 1, near.year, near.year + 1):
        with suppress(ValueError):  # no such day, in that year or ever
            moments.append(datetime.strptime(f"{year} {found[1]}", "%Y %d %b %H:%M").replace(tzinfo=UTC))
    if not moments:
        return found[0]
    moment = min(moments, key=lambda one: abs(one - near))
    pattern = "M월 d일 HH:mm" if language == "ko" else "d MMM HH:mm"
    return format_datetime(moment, pattern, tzinfo=zone(timezone), locale=parse_locale(language))


@lru_cache(maxsize=4096)
def _sentence(text: str, language: str) -> str:
    if language != "ko":
        return text[:1].upper() + text[1:]
    if text in SENTENCES:
        return SENTENCES[text]
    for pattern, words in _COMPILED:
        if found := pattern.fullmatch(text):
            return words.format(*(SENTENCES.get(part, part) for part in found.groups()))
    return text
