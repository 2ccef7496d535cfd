"""The shop's colour on buttons, and a text colour that can be read on it (WCAG 2 contrast)."""

from __future__ import annotations

import re
from functools import lru_cache

DEFAULT_COLOUR = "#1f5f5b"
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=256)
def button_colours(colour: str | None) -> tuple[str, str]:
    """(background, text) as `#rrggbb`; the text has a contrast of at least 4.5. No valid colour: the default's."""
    if colour is None or not _HEX.match(colour.strip()):
        background = DEFAULT_COLOUR
    else:
        background = colour.strip().lower()
        if len(background) == 4:
            background = "#" + "".join(digit * 2 for digit in background[1:])
    # White on a mid-tone looks calmer than black, so it wins wherever it can be read.
    text = "#ffffff" if contrast(background, "#ffffff") >= 4.5 else "#000000"
    return background, text


def _luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[start : start + 2], 16)) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
