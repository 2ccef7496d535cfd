"""What arrived at the twin's sink, as far as the contract on mail headers lets a stranger read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.replay.rules import CLASSES

HANGUL = re.compile("[가-힣]")
ORDER_NAME = re.compile(r"#\d+")
FEW = 40  # a Korean name and title in an English mail has fewer syllables, a Korean mail has hundreds


@dataclass(frozen=True)
class Arrival:
    """One message. `at` in virtual seconds; `names`: the orders it names in its subject or text."""

    id: str
    at: float
    to: str
    step: str
    ref: str
    message_id: str
    subject: str
    names: frozenset[str]
    language: str
    faults: tuple[str, ...] = ()


def arrival_of(full: dict[str, Any], virtual: Callable[[float], float]) -> Arrival:
    """From the sink's answer to `GET /messages/<id>`; `virtual` turns Unix seconds into virtual ones."""
    text = full["subject"] + "\n" + full["text"]
    return Arrival(
        id=full["id"],
        at=virtual(full["arrived"]),
        to=(full["to"] or [""])[0].lower(),
        step=full["step"],
        ref=full["ref"],
        message_id=full["message_id"],
        subject=full["subject"],
        names=frozenset(ORDER_NAME.findall(text)),
        language="ko" if len(HANGUL.findall(text)) >= FEW else "en",
        faults=tuple(faults(full)),
    )


def faults(full: dict[str, Any]) -> list[str]:
    """Breaches of the contract on headers and parts, in plain words."""
    headers = {name.lower(): value for name, value in full["headers"]}
    fields = full["feedback_id"].split(":")
    wanted = CLASSES.get(full["step"])
    checks = [
        (len(full["to"]) == 1, "one recipient"),
        (bool(re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", full["message_id"])), "a Message-ID"),
        (bool(full["ref"]), "X-Entity-Ref-ID"),
        (len(fields) == 4 and fields[1] == "post_purchase" and 5 <= len(fields[3]) <= 15, "Feedback-ID of four fields"),
        (len(fields) > 2 and fields[2] == wanted, f"class {wanted} in Feedback-ID"),
        (bool(headers.get("reply-to")), "Reply-To"),
        (bool(headers.get("date")), "Date"),
        (bool(full["text"].strip()), "a text part"),
        (bool(full["html"].strip()), "an HTML part"),
        (not full["bare_lf"], "lines that end in CRLF"),
    ]
    if wanted and wanted != "transactional":
        checks += [
            ("http" in headers.get("list-unsubscribe", ""), "List-Unsubscribe with a web address"),
            (headers.get("list-unsubscribe-post") == "List-Unsubscribe=One-Click", "List-Unsubscribe-Post"),
        ]
    if wanted == "marketing" and len(HANGUL.findall(full["text"])) >= FEW:
        checks.append((full["subject"].startswith("(광고)"), "(광고) at the start of a Korean marketing subject"))
    return [f"lacks {name}" for good, name in checks if not good]
