"""Who did something, in the page's language: those of ours that have no name of their own."""

from __future__ import annotations

from plugin.web.merchant import words

_NAMED = (("Shopify user ", "shopify_user"), ("API key ", "api_key"))


def actor(who: str, language: str) -> str:
    """The actor as stored -> as shown; a person's own name or address as it stands."""
    for begin, key in _NAMED:
        if who.startswith(begin):
            return words.text(language, f"changes.actor.{key}", id=who.removeprefix(begin))
    key = f"changes.actor.{who.lower().replace(' ', '_')}"
    return words.text(language, key) if words.has(language, key) else who
