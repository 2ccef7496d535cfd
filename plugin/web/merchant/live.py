"""Going live, and pausing: first what would leave and what is too late, then the decision."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.queues import SEND
from plugin.services.change_preview import preview_live
from plugin.services.first_steps import first_steps
from plugin.services.settings_change import locked_shop
from plugin.services.shops import go_live, pause
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import page
from plugin.web.wiring import context

AUTH = Auth.MERCHANT

blueprint = Blueprint("merchant_live", __name__)


@blueprint.get("/app/live")
def show() -> Response:
    return _page()


@blueprint.post("/app/live")
def begin() -> Response:
    """409 while the law's or the customers' minimum is missing: who writes, from where, and where an answer goes."""
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        if first_steps(session, who.shop_id).missing:
            return _page(409)
        go_live(session, ctx, shop, who.actor)
    ctx.queues.nudge(SEND)
    return Response(status=303, headers={"Location": "/app"})


@blueprint.post("/app/live/pause")
def stop() -> Response:
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        pause(session, ctx, locked_shop(session, who.shop_id), who.actor)
    return Response(status=303, headers={"Location": "/app/live"})


def _page(status: int = 200) -> Response:
    who, ctx = merchant(), context()
    with ctx.database.reading() as session:
        start = first_steps(session, who.shop_id)
        lines = {} if start.live else preview_live(session, ctx, who.shop_id)
    return page("live", status, start=start, lines=lines)
