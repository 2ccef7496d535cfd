"""What the customer's pages say. Every key in every language; no particle follows a Korean value, because it would
depend on the value's last letter."""

from __future__ import annotations

from plugin.web.texts_en import EN
from plugin.web.texts_ko import KO

LANGUAGES = ("en", "ko")
CATALOGUES = {"en": EN, "ko": KO}


def text(language: str, key: str, **values: object) -> str:
    """The text of a key with its `{values}` filled in: plain, escaped where it is printed. KeyError: no such key."""
    return CATALOGUES[language][key].format(**values)
