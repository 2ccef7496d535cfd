"""What is wrong with a merchant's Liquid, in the page's language: the parser speaks English, and to programmers."""

from __future__ import annotations

import re

from plugin.web.merchant import words

# The checker's own message -> the key of the text, whose {a} is what the brackets caught.
_KNOWN = tuple((re.compile(pattern), key) for pattern, key in (
    (r"unknown name “(.+)”; there are.*", "name"),
    (r"unknown filter “(.+)”; there are.*", "filter"),
    (r"unexpected tag 'end of expression'|missing tag name or closing delimiter", "unclosed"),
    (r"unexpected tag '(.+)'", "tag"),
    (r"expected tag (\w+), found .+", "missing_tag"),
    (r"expected '([^']+)', found .+", "missing"),
    (r"expected (in), found .+", "missing"),
    (r"missing expression|expected a primitive expression, found .+", "blank"),
    (r"expected end of expression, found .+", "too_much"),
    (r"longer than (.+) characters", "long_source"),
    (r".*(?:limit reached|too much text|gives more than|number too large|nesting).*", "too_large"),
    (r".*missing \d+ required positional argument.*", "argument"),
))  # fmt: skip


def fault(message: str, language: str) -> str:
    """A sentence; what nobody foresaw is quoted."""
    for pattern, key in _KNOWN:
        if found := pattern.fullmatch(message):
            return words.text(language, f"wording.liquid.{key}", a=(found.groups() or ("",))[0])
    return words.text(language, "wording.liquid.other", a=message)
