"""One step: its switch, its delay, its words, and what a change does to the messages that wait already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from marshmallow import ValidationError

from plugin.services import template_edit
from plugin.services.change_preview import preview_change
from plugin.services.how_to import how_to_pages, save_how_to
from plugin.services.settings_change import change_settings, changed_steps, locked_shop, with_step
from plugin.services.shops import shop_of
from plugin.services.step_figures import step_counts
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.effects import effect_lines
from plugin.web.merchant.pages import page
from plugin.web.wiring import context
from schemas.settings import (
    ADVISED_DELAYS,
    DEFAULT_DELAYS,
    LANGUAGES,
    STEPS,
    ShopSettings,
    StepSettings,
    load_settings,
)

AUTH = Auth.MERCHANT
UNITS = {"minutes": 1, "hours": 60, "days": 24 * 60}
LONGEST = 120 * 24 * 60  # minutes
HOW_TO_STEP = "delivered"  # where the products' pages are edited

blueprint = Blueprint("merchant_step", __name__, url_prefix="/app/steps/<step>")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form asks for. `apply`: all, new, or blank while the merchant has not been asked."""

    enabled: bool
    delay_minutes: int
    survey_minutes: int
    apply: str

    def settings(self, step: str, before: ShopSettings, now: Any, apply: str) -> ShopSettings:
        """The settings with the wish in them."""
        delay = None if self.delay_minutes == DEFAULT_DELAYS[step] else self.delay_minutes
        edited: StepSettings = replace(before.step(step), enabled=self.enabled, delay_minutes=delay)
        after = with_step(before, step, edited, apply_to_waiting=apply != "new", now=now)
        return replace(after, survey_minutes=self.survey_minutes) if step == "survey" else after


@blueprint.before_request
def known() -> None:
    if (request.view_args or {}).get("step") not in STEPS:
        abort(404)


@blueprint.get("")
def show(step: str) -> Response:
    return _page(step, said=request.args.get("said") == "saved")


@blueprint.post("")
def save(step: str) -> Response:
    with context().database.reading() as session:
        before = load_settings(shop_of(session, merchant().shop_id).settings)
    wish, wrong = _read(before, step)
    if wish is None:
        return _page(step, 422, wrong=wrong, typed=request.form)
    return _save(step, wish, f"/app/steps/{step}?said=saved")


@blueprint.post("/switch")
def switch(step: str) -> Response:
    """The switch on the home page: the delay stays."""
    with context().database.reading() as session:
        before = load_settings(shop_of(session, merchant().shop_id).settings)
    wish = Wish(request.form.get("enabled") == "yes", before.delay_minutes(step), before.survey_minutes, _apply())
    return _save(step, wish, "/app")


@blueprint.post("/how-to")
def how_to(step: str) -> Response:
    """The pages of the products in the form, named `url:<product id>`."""
    urls = {name.removeprefix("url:"): url for name, url in request.form.items() if name.startswith("url:")}
    who, ctx = merchant(), context()
    try:
        with ctx.database.transaction() as session:
            save_how_to(session, ctx, who.shop_id, who.actor, urls)
    except ValidationError as exc:
        bad = exc.messages_dict.get("how_to", {})
        return _page(step, 422, bad_urls={id_: urls.get(id_, "") for id_ in bad}, typed_urls=urls)
    return Response(status=303, headers={"Location": f"/app/steps/{step}?said=saved#how-to"})


def _save(step: str, wish: Wish, then: str) -> Response:
    """Ask first when messages that wait would be touched; else put it in force."""
    who, ctx = merchant(), context()
    if not wish.apply:
        with ctx.database.reading() as session:
            before = load_settings(shop_of(session, who.shop_id).settings)
            edited = wish.settings(step, before, ctx.clock.now(), "all")
            same = (wish.enabled, wish.delay_minutes) == (before.step(step).enabled, before.delay_minutes(step))
            if same and "again" not in request.form:
                wish = replace(wish, apply="new")  # what was said of earlier orders stands
            elif step in changed_steps(before, edited):
                effects = preview_change(session, ctx, who.shop_id, edited)
                if effects.total or effects.waiting:
                    return page(
                        "step_confirm", step=step, wish=wish, before=before, effects=effects,
                        lines=effect_lines(effects), unit_of=_unit_of, same=same,
                        advised=ADVISED_DELAYS[step],
                    )  # fmt: skip
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        edited = wish.settings(step, load_settings(shop.settings), ctx.clock.now(), wish.apply or "all")
        change_settings(session, ctx, shop, edited, who.actor, f"step.{step}")
    return Response(status=303, headers={"Location": then})


def _read(before: ShopSettings, step: str) -> tuple[Wish | None, dict[str, str]]:
    """The form's wish, or the field at fault -> the key of what is wrong with it."""
    form = request.form
    wrong: dict[str, str] = {}
    amount, size = form.get("delay", "").strip(), UNITS.get(form.get("unit", ""))
    minutes = int(amount) * (size or 1) if amount.isascii() and amount.isdecimal() and len(amount) < 7 else -1
    if size is None or not 0 <= minutes <= LONGEST:
        wrong["delay"] = "step.wrong_delay"
    survey = form.get("survey_minutes", str(before.survey_minutes)).strip()
    if not (survey.isascii() and survey.isdecimal() and len(survey) < 3 and 1 <= int(survey) <= 30):
        wrong["survey_minutes"] = "step.wrong_survey_minutes"
    if wrong:
        return None, wrong
    return Wish(form.get("enabled") == "yes", minutes, int(survey), _apply()), {}


def _apply() -> str:
    given = request.form.get("apply", "")
    return given if given in ("all", "new") else ""


def _page(step: str, status: int = 200, **values: Any) -> Response:
    who, ctx = merchant(), context()
    search = request.args.get("q", "").strip()[:100]
    with ctx.database.reading() as session:
        settings = load_settings(shop_of(session, who.shop_id).settings)
        counts = step_counts(session, ctx, who.shop_id)[step]
        products = how_to_pages(session, who.shop_id, search) if step == HOW_TO_STEP else []
        drafts = [template_edit.draft_in_use(session, who.shop_id, step, language) for language in LANGUAGES]
        wording = [template_edit.preview(session, ctx, who.shop_id, draft) for draft in drafts]
    frame = {
        "step": step, "settings": settings, "mine": settings.step(step), "counts": counts, "products": products,
        "wording": list(zip(LANGUAGES, wording, strict=True)), "search": search, "advised": ADVISED_DELAYS[step],
        "unit_of": _unit_of, "units": UNITS, "how_to_step": HOW_TO_STEP,
        "there": current_app.blueprints, "wrong": {}, "typed": {}, "bad_urls": {}, "typed_urls": {}, "said": False,
    }  # fmt: skip
    return page("step", status, **{**frame, **values})


def _unit_of(minutes: int) -> tuple[int, str]:
    """A delay in its largest whole unit: (4, "days")."""
    unit = next((unit for unit in ("days", "hours") if minutes and minutes % UNITS[unit] == 0), "minutes")
    return minutes // UNITS[unit], unit
