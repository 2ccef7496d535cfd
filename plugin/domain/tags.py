"""What customers' words are about: a shop's tags, and which of them an answer suggests.

A suggestion is a guess for a person to correct. It errs on the side of silence: of a topic (price, delivery) it is
suggested only with a bad word beside it, or a good one denied; and what is denied ("not broken", "안 깨졌") is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from plugin.domain import tag_words
from plugin.domain.tag_words import Lexicon

PRAISE = "praise"
# key -> (English, Korean). The keys are stored; the names are the shop's to change.
STARTING_SET: dict[str, tuple[str, str]] = {
    "late_delivery": ("Late delivery", "늦은 배송"),
    "damaged": ("Damaged", "파손"),
    "wrong_item": ("Wrong or missing item", "오배송·누락"),
    "quality": ("Quality", "품질"),
    "size_fit": ("Size and fit", "사이즈"),
    "price": ("Price", "가격"),
    "service": ("Customer service", "고객 응대"),
    "website": ("Website", "쇼핑몰 이용"),
    "packaging": ("Packaging", "포장"),
    PRAISE: ("Praise", "칭찬"),
}
MOST_WORDS = 30  # of the merchant's own for one tag
READ = 4_000  # characters of an answer that are looked at: as many as are kept
_HANGUL = re.compile(r"[가-힣]")
_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_DENIALS = frozenset({
    "not", "no", "never", "nothing", "none", "without", "neither", "nor", "hardly", "cannot", "zero", "wasnt", "isnt",
    "dont", "didnt", "doesnt", "arent", "werent", "cant", "havent", "hasnt",
})  # fmt: skip
_REACH = 3  # words before a hit within which a denial counts
_KO_AFTER = ("지않", "지안", "지는않", "지도않", "지는안", "지도안", "진않", "진안", "지못하")
_KO_NONE = re.compile(r"^[가-힣]{0,4}?없")
_KO_REACH = 6


@dataclass(frozen=True, slots=True)
class TagRule:
    """A tag as far as suggesting looks at it. `key`: of the starting set, else None. `words`: the merchant's own."""

    tag_id: int
    key: str | None
    words: tuple[str, ...] = ()


def suggest(text: str | None, rules: Iterable[TagRule]) -> frozenset[int]:
    """The tags that the words suggest. Pure, and the same for the same words; empty for none."""
    if not text or not text.strip():
        return frozenset()
    plain = text[:READ].lower().replace("’", "'").replace("‘", "'")
    english = [_TOKEN.findall(clause) for clause in re.split(tag_words.EN_CLAUSES, plain)]
    korean = [re.sub(r"\s+", "", clause) for clause in re.split(tag_words.KO_CLAUSES, plain)]
    return frozenset(rule.tag_id for rule in rules if _fits(rule, english, korean))


def clean_words(given: Iterable[str]) -> tuple[str, ...]:
    """A merchant's own words as they are stored: trimmed, in lower case, each once, at most 30 of 40 characters."""
    kept = (" ".join(word.lower().replace("’", "'").split())[:40] for word in given)
    return tuple(dict.fromkeys(word for word in kept if len(word) > 1))[:MOST_WORDS]


def _fits(rule: TagRule, english: list[list[str]], korean: list[str]) -> bool:
    own_en = tuple(word for word in rule.words if not _HANGUL.search(word))
    own_ko = tuple(re.sub(r"\s+", "", word) for word in rule.words if _HANGUL.search(word))
    en, ko = tag_words.EN.get(rule.key or "", Lexicon()), tag_words.KO.get(rule.key or "", Lexicon())
    if rule.key == PRAISE and (_praised(english, korean)):
        return True
    # Of the merchant's own English words the last one may have any ending: "leak" finds "leaked".
    phrases = (*en.phrases, *(f"{word}*" for word in own_en))
    return any(_english(tokens, phrases, en.topics) for tokens in english if tokens) or any(
        _korean(clause, (*ko.phrases, *own_ko), ko.topics) for clause in korean if clause
    )


# -- English: words by their stems -------------------------------------------------------------------------------------
def _english(tokens: list[str], phrases: Iterable[str], topics: Iterable[str]) -> bool:
    if any(not _denied(tokens, place, phrase) for phrase in phrases for place in _places(tokens, phrase)):
        return True
    if not any(True for topic in topics for _ in _places(tokens, topic)):
        return False
    return _mood(tokens)[1]


def _mood(tokens: list[str]) -> tuple[bool, bool]:
    """(something good is said, something bad is said): a denied good word is a bad one, a denied bad one neither."""
    good = [_denied(tokens, place, stem) for stem in tag_words.EN_GOOD for place in _places(tokens, stem)]
    bad = [_denied(tokens, place, stem) for stem in tag_words.EN_BAD for place in _places(tokens, stem)]
    return not all(good), any(good) or not all(bad)


def _places(tokens: list[str], phrase: str) -> list[int]:
    """Where the phrase begins. `*` at a word's end stands for any ending."""
    if (f" {phrase[:-1]}" if phrase.endswith("*") else f" {phrase} ") not in f" {' '.join(tokens)} ":
        return []  # nearly always so, and much faster than looking word by word
    parts = phrase.split()
    return [
        place
        for place in range(len(tokens) - len(parts) + 1)
        if all(_same(tokens[place + offset], part) for offset, part in enumerate(parts))
    ]


def _same(token: str, part: str) -> bool:
    return token.startswith(part[:-1]) if part.endswith("*") else token == part


def _denied(tokens: list[str], place: int, phrase: str) -> bool:
    """Whether a denial stands before the hit. What begins with one itself ("never arrived") is meant so."""
    if _denial(phrase.split()[0]):
        return False
    before = tokens[max(place - _REACH, 0) : place]
    return any(_denial(token) and before[number + 1 : number + 2] != ["only"] for number, token in enumerate(before))


def _denial(token: str) -> bool:
    return token in _DENIALS or token.endswith("n't")


# -- Korean: parts of words, blanks left out, because every writer sets them otherwise -----------------------------
def _korean(clause: str, phrases: Iterable[str], topics: Iterable[str]) -> bool:
    if any(not _ko_denied(clause, place, phrase) for phrase in phrases for place in _ko_places(clause, phrase)):
        return True
    return any(topic in clause for topic in topics) and _ko_mood(clause)[1]


def _ko_mood(clause: str) -> tuple[bool, bool]:
    good = [_ko_denied(clause, place, stem) for stem in tag_words.KO_GOOD for place in _ko_places(clause, stem)]
    bad = [_ko_denied(clause, place, stem) for stem in tag_words.KO_BAD for place in _ko_places(clause, stem)]
    return not all(good), any(good) or not all(bad)


def _ko_places(clause: str, part: str) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(part), clause)]


def _ko_denied(clause: str, place: int, part: str) -> bool:
    """"안" before it, "-지 않" after it, or "없" soon after it."""
    if "않" in part or "안" in part or "없" in part or "못" in part:
        return False
    if clause[:place].endswith(("안", "전혀", "하나도안")) and not clause[:place].endswith(("불안", "동안")):
        return True
    after = clause[place + len(part) :][: _KO_REACH + 2]
    ends = (part[-1] + after[:_KO_REACH], after[:_KO_REACH])
    return any(denial in end for end in ends for denial in _KO_AFTER) or _KO_NONE.match(after) is not None


def _praised(english: list[list[str]], korean: list[str]) -> bool:
    """A clause with something good in it and nothing bad."""
    moods = [_mood(tokens) for tokens in english if tokens] + [_ko_mood(clause) for clause in korean if clause]
    return any(good and not bad for good, bad in moods)
