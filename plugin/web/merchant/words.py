"""The words of the merchant's pages: texts/<language>/<page>.toml, read once; keys are `page.key`, `page.part.key`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from plugin.content.formats import number
from schemas.settings import LANGUAGES

FOLDER = Path(__file__).parent / "texts"


def text(language: str, key: str, **words: object) -> str:
    """The text with its `{words}` filled in, not escaped. Whole numbers are grouped; where one word is `n=1`, the key's
    `…_one` is taken if there is one. KeyError: no such key in this language nor in English."""
    texts = catalogue(language)
    if words.get("n") == 1 and f"{key}_one" in texts:
        key = f"{key}_one"
    found = texts.get(key)
    if found is None:
        found = catalogue("en")[key]
    return found.format(**{name: _shown(value, language) for name, value in words.items()}) if words else found


def has(language: str, key: str) -> bool:
    return key in catalogue(language)


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of a language by their full key. Raises tomllib.TOMLDecodeError, ValueError for what is no text."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language}")
    found: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.toml")):
        with path.open("rb") as file:
            found.update(_flat(path.stem, tomllib.load(file)))
    return found


def _flat(prefix: str, table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}.{name}", value)
        elif isinstance(value, str):
            yield f"{prefix}.{name}", value
        else:
            raise ValueError(f"{prefix}.{name} is not a text")


def _shown(value: object, language: str) -> object:
    return number(value, language) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
