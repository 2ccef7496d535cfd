"""What each step brings: customers kept out of it beside those who got it. The percentages are in the settings."""

from __future__ import annotations

from typing import Any

from plugin.services.experiments import experiments
from plugin.services.shops import shop_of
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.experiments import ExperimentsSchema

AUTH = Auth.API_KEY

blueprint = Resource("experiments", "What each step brings. Who is kept out: `holdout_percent` in the step's settings.")


@blueprint.get("/experiments")
@blueprint.response(200, ExperimentsSchema)
def report() -> Any:
    """Every step that has or had a holdout, its two groups, and the difference between them"""
    ctx = context()
    with ctx.database.reading() as session:
        return {"items": experiments(session, shop_of(session, caller().shop_id), ctx.clock.now())}
