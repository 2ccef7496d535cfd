"""A merchant's colour as links and borders: moved towards black or white until it reads (WCAG 2, AA: 4.5 to 1)."""

from __future__ import annotations

import re

from plugin.content.colours import DEFAULT_COLOUR, contrast

AA = 4.5
HEX = re.compile(r"#?([0-9a-fA-F]{6})", re.ASCII)
PAPER, NIGHT = "#ffffff", "#1d2124"  # the cards of the light and of the dark page, as in customer.css


def checked(colour: str | None) -> str:
    """`#rrggbb` in lower case; the default for anything that is not a colour."""
    match = HEX.fullmatch(colour or "")
    return f"#{match.group(1).lower()}" if match else DEFAULT_COLOUR


def readable(colour: str, ground: str) -> str:
    """The colour itself when text in it reads well on the ground, else the nearest shade of it that does."""
    goal = "#000000" if contrast(ground, "#000000") > contrast(ground, "#ffffff") else "#ffffff"
    for part in range(0, 100, 5):
        mixed = _mix(colour, goal, part / 100)
        if contrast(mixed, ground) >= AA:
            return mixed
    return goal


def _mix(one: str, other: str, part: float) -> str:
    pairs = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)
