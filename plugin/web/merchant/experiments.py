"""What each step brings: its holdout, the two groups beside each other, and the sentence that the numbers allow."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, abort, request

from plugin.domain.experiment import WINDOW_DAYS, Difference
from plugin.domain.holdout import MOST_PERCENT, SUGGESTED_PERCENT
from plugin.services.experiments import experiments
from plugin.services.holdouts import would_keep_out
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import shop_of
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import page
from plugin.web.wiring import context
from schemas.settings import STEPS, load_settings

AUTH = Auth.MERCHANT
NEWS = ("thank_you", "shipped", "delivered")  # customers wait for these: keeping one back has a price

blueprint = Blueprint("merchant_experiments", __name__, url_prefix="/app/experiments")


@blueprint.get("")
def show() -> Response:
    return _page()


@blueprint.post("")
def save() -> Response:
    """The percentage of one step. Asks first when it keeps more customers out than before."""
    step, given = request.form.get("step", ""), request.form.get("percent", "").strip()
    if step not in STEPS:
        abort(422, "There is no such step.")
    if not (given.isascii() and given.isdecimal() and len(given) < 3 and int(given) <= MOST_PERCENT):
        return _page(422, wrong=step, typed=given)
    percent, who, ctx = int(given), merchant(), context()
    with ctx.database.reading() as session:
        shop = shop_of(session, who.shop_id)
        before = load_settings(shop.settings).step(step).holdout_percent
        if percent > before and request.form.get("sure") != "yes":
            kept_out, waiting = would_keep_out(session, shop, step, percent)
            return page(
                "experiment_confirm", step=step, percent=percent, kept_out=kept_out, waiting=waiting, news=step in NEWS
            )
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        settings = load_settings(shop.settings)
        edited = replace(settings.step(step), holdout_percent=percent)
        steps = {**settings.steps, step: edited}
        change_settings(session, ctx, shop, replace(settings, steps=steps), who.actor, f"step.{step}")
    return Response(status=303, headers={"Location": "/app/experiments?said=saved"})


def _page(status: int = 200, wrong: str = "", typed: str = "") -> Response:
    who, ctx = merchant(), context()
    with ctx.database.reading() as session:
        shop = shop_of(session, who.shop_id)
        settings = load_settings(shop.settings)
        found = experiments(session, shop, ctx.clock.now())
    return page(
        "experiments", status, found=found, settings=settings, steps=STEPS, news=NEWS, days=WINDOW_DAYS,
        suggested=SUGGESTED_PERCENT, most=MOST_PERCENT, points=_points, wrong=wrong, typed=typed,
        said=request.args.get("said") == "saved",
    )  # fmt: skip


def _points(difference: Difference) -> dict[str, str]:
    """A difference of shares in points, with its sign: {"value": "+3.1", "low": "+0.4", "high": "+5.8"}."""
    shares = {"value": difference.value, "low": difference.low, "high": difference.high}
    return {name: f"{100 * share:+.1f}".replace("-", "−") for name, share in shares.items()}
