"""The sentences that say what a change does to messages that wait, before it is saved."""

from __future__ import annotations

from typing import Any

from plugin.services.change_preview import Effects
from plugin.web.merchant.access import merchant
from plugin.web.merchant.reasons import reason

MAX_DAYS = 4  # dates named in "132 move to Friday"
PLAIN = ("this step is switched off", "no cross-sell goes out")  # reasons that the change itself says

Lines = list[tuple[str, dict[str, Any]]]


def effect_lines(effects: Effects) -> list[tuple[str, Lines]]:
    """For each step the sentences that say what happens: the key of the text, and its words (`day`: a date)."""
    found = []
    for name, effect in effects.steps.items():
        lines: Lines = []
        if effect.at_once:
            lines.append(("at_once", {"n": effect.at_once}))
        for key, days in (("moved", effect.moved), ("begin", effect.begin)):
            most = sorted(days.most_common(MAX_DAYS))
            lines += [(key, {"n": count, "day": day}) for day, count in most]
            if rest := days.total() - sum(count for _, count in most):
                lines.append((f"{key}_rest", {"n": rest}))
        plain = sum(count for why, count in effect.why.items() if why in PLAIN)
        lines += [("end", {"n": plain})] if plain else []
        lines += [
            ("withheld", {"n": count, "reason": reason(why, merchant().locale)})
            for why, count in effect.why.most_common() if why not in PLAIN
        ]  # fmt: skip
        lines += [("late", {"n": effect.late})] if effect.late else []
        found.append((name, lines))
    return found


def late_lines(effects: Effects) -> Lines:
    """The same of what only shows when they are about to leave."""
    names = ("quiet", "free", "capped", "language", "unshipped", "expected")
    return [(name, {"n": n}) for name in names if (n := getattr(effects.late, name))]
