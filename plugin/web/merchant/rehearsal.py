"""The rehearsal: settings as edited, played through over the last 90 days of orders. Nothing is sent or stored.

The browser holds what was counted so far, signed, and asks for the next part: any web process can answer, and a page
that is closed leaves nothing behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, request
from itsdangerous import BadData, URLSafeSerializer
from marshmallow import ValidationError

from plugin.domain.rehearsal import WHY, Tally
from plugin.services.rehearsal import Progress, rehearse
from plugin.services.shops import shop_of
from plugin.web.auth import Auth
from plugin.web.merchant import filters, words
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import page
from plugin.web.wiring import context
from schemas.settings import STEPS, ShopSettings, dump_settings, load_settings

AUTH = Auth.MERCHANT
SECONDS = 0.7  # after which a request hands back what it has
UNITS = {"days": 24 * 60, "hours": 60, "minutes": 1}
SPREAD: tuple[tuple[int, int | None], ...] = ((0, 0), (1, 1), (2, 3), (4, 6), (7, 10), (11, 15), (16, None))
MOST_SHOWN = 8  # combinations of messages on one day

blueprint = Blueprint("merchant_rehearsal", __name__, url_prefix="/app/rehearsal")


@dataclass
class Wish:
    """The form as given: the settings it makes of the shop's own, and the fields at fault."""

    settings: ShopSettings
    wrong: set[str] = field(default_factory=set)


@blueprint.get("")
def show() -> Response:
    return page("rehearsal", **_form(_own()))


@blueprint.post("")
def start() -> Response:
    """The form again, and under it the rehearsal, which begins by itself (or, without JavaScript, is there at once)."""
    wish = _wish(_own())
    if wish.wrong:
        return page("rehearsal", 422, **_form(wish.settings, wrong=wish.wrong, typed=request.form))
    if request.form.get("whole") == "yes":
        done = rehearse(context(), merchant().shop_id, wish.settings)
        return page("rehearsal", **_form(wish.settings, result=_result(done)))
    return page("rehearsal", **_form(wish.settings, run={"edit": _edit(wish.settings), "so_far": "", "share": 0}))


@blueprint.post("/part")
def part() -> Response:
    """The next part. `edit`: the settings that the form makes; `so_far`: what the last answer gave, blank at first."""
    who = merchant()
    try:
        edit = json.loads(request.form.get("edit", ""))
        settings = load_settings(dump_settings(_own()) | edit)
        so_far = _read(request.form.get("so_far", ""), who.shop_id, request.form["edit"])
    except (ValueError, TypeError, KeyError, BadData, ValidationError):
        abort(422, "This rehearsal cannot be continued: begin it again.")
    progress = rehearse(context(), who.shop_id, settings, so_far, SECONDS)
    if progress.finished:
        return page("rehearsal_result", result=_result(progress))
    carried = _signer().dumps([who.shop_id, request.form["edit"], progress.dump()])
    share = round(100 * progress.done / progress.parts)
    return page("rehearsal_part", run={"edit": request.form["edit"], "so_far": carried, "share": share})


def _own() -> ShopSettings:
    with context().database.reading() as session:
        return load_settings(shop_of(session, merchant().shop_id).settings)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(context().settings.secret_key, salt="dasi.rehearsal")


def _read(signed: str, shop_id: int, edit: str) -> Progress | None:
    """What was counted so far, of this shop and with these settings. Raises BadData, ValueError and its like."""
    if not signed:
        return None
    whose, edited, data = _signer().loads(signed)
    if (whose, edited) != (shop_id, edit):
        raise BadData("of another rehearsal")
    return Progress.load(data)


# -- the form ----------------------------------------------------------------------------------------------------------
def _wish(own: ShopSettings) -> Wish:
    form = request.form
    wrong: set[str] = set()
    edit: dict[str, Any] = {"marketing": form.get("marketing", ""), "delivery_days": form.get("delivery_days", "")}
    steps = dump_settings(own).get("steps", {})
    for step in STEPS:
        unit = UNITS.get(form.get(f"{step}_unit", ""))
        amount = form.get(f"{step}_delay", "").strip()
        if unit is None or not (amount.isascii() and amount.isdecimal()) or len(amount) > 6:
            wrong.add(f"{step}_delay")
            continue
        asked = {"enabled": form.get(f"{step}_enabled") == "yes", "delay_minutes": int(amount) * unit}
        steps[step] = steps.get(step, {}) | asked
    edit["steps"] = steps
    cap = {"messages": form.get("cap_messages", "").strip(), "days": form.get("cap_days", "").strip()}
    edit["cap"] = cap if form.get("capped") == "yes" else None
    quiet = {"start": form.get("quiet_start", ""), "end": form.get("quiet_end", "")}
    edit["quiet_hours"] = quiet if form.get("quiet") == "yes" else None
    try:
        return Wish(load_settings(dump_settings(own) | edit), wrong)
    except ValidationError as exc:
        wrong |= {name for name in exc.messages_dict if name != "steps"}
        if isinstance(bad := exc.messages_dict.get("steps"), dict):
            wrong |= {f"{step}_delay" for step in bad}
        return Wish(own, wrong)


def _edit(settings: ShopSettings) -> str:
    """What the form can change, as JSON: small, and without the words of the messages."""
    dumped = dump_settings(settings)
    steps = {name: {key: value for key, value in step.items() if key in ("enabled", "delay_minutes")}
             for name, step in dumped["steps"].items()}  # fmt: skip
    kept = {name: dumped[name] for name in ("marketing", "delivery_days", "cap", "quiet_hours")}
    return json.dumps(kept | {"steps": steps}, separators=(",", ":"))


def _form(settings: ShopSettings, **more: Any) -> dict[str, Any]:
    return {"settings": settings, "steps": STEPS, "units": UNITS, "unit_of": _unit_of, "wrong": set(), "typed": {},
            "run": None, "result": None, **more}  # fmt: skip


def _unit_of(minutes: int) -> tuple[int, str]:
    """A delay in its largest whole unit."""
    if not minutes:
        return 0, "minutes"
    unit = next(name for name, size in UNITS.items() if minutes % size == 0)
    return minutes // UNITS[unit], unit


# -- the result --------------------------------------------------------------------------------------------------------
def _result(progress: Progress) -> dict[str, Any]:
    """The sums, laid out for the page."""
    tally = progress.tally
    by_step = {step: sum(n for (s, _), n in tally.messages.items() if s == step) for step in STEPS}
    return {
        "since": progress.since,
        "until": progress.until,
        "tally": tally,
        "by_step": by_step,
        "weeks": _weeks(tally),
        "chart": _chart(tally, merchant().locale),
        "left_out": [
            (code, tally.orders_left_out[code], sum(n for (_, c), n in tally.left_out.items() if c == code))
            for code in sorted(WHY, key=lambda code: -tally.orders_left_out[code])
            if tally.orders_left_out[code]
        ],
        "collisions": [(steps.split("+"), n) for steps, n in tally.collisions.most_common(MOST_SHOWN)],
        "spread": _spread(tally),
    }


def _spread(tally: Tally) -> list[tuple[str, int]]:
    """Customers by the most messages they get in any 30 days, in few groups: ("4–6", 120)."""
    groups: dict[tuple[int, int | None], int] = {}
    for count, people in tally.spread.items():
        group = next(group for group in SPREAD if group[1] is None or count <= group[1])
        groups[group] = groups.get(group, 0) + people
    return [
        (f"{low}+" if high is None else f"{low}" if low == high else f"{low}–{high}", groups[low, high])
        for low, high in SPREAD
        if (low, high) in groups
    ]


def _days(tally: Tally) -> list[date]:
    days = [day for _, day in tally.messages]
    if not days:
        return []
    first = min(days)
    return [first + timedelta(days=number) for number in range((max(days) - first).days + 1)]


def _weeks(tally: Tally) -> list[tuple[date, dict[str, int]]]:
    """(Monday, step -> messages) of each week."""
    weeks: dict[date, dict[str, int]] = {}
    for day in _days(tally):
        weeks.setdefault(day - timedelta(days=day.weekday()), dict.fromkeys(STEPS, 0))
    for (step, day), count in tally.messages.items():
        weeks[day - timedelta(days=day.weekday())][step] += count
    return list(weeks.items())


def _chart(tally: Tally, language: str) -> dict[str, Any]:
    """For charts.js: a stacked bar for each day."""
    days = _days(tally)
    series = [
        {"name": words.text(language, f"frame.step.{step}"), "values": [tally.messages[step, day] for day in days]}
        for step in STEPS
    ]
    return {"kind": "bar", "labels": [filters.day(day, language, None) for day in days], "series": series}
