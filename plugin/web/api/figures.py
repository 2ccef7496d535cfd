"""What came of the messages, and what edited settings would bring."""

from __future__ import annotations

from collections import Counter
from typing import Any

from plugin.services.figures import figures
from plugin.services.rehearsal import rehearse
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.figures import FiguresQuery, ReportSchema, TallySchema
from schemas.settings import ShopSettings, ShopSettingsSchema

AUTH = Auth.API_KEY

blueprint = Resource("figures", "What came of the messages, and what edited settings would bring.")


@blueprint.get("/figures")
@blueprint.arguments(FiguresQuery, location="query")
@blueprint.response(200, ReportSchema)
def report(query: dict[str, Any]) -> Any:
    """Sent, delivered, opened, clicked, and the orders that followed, by step"""
    return figures(context(), caller().shop_id, query["period"])


@blueprint.post("/rehearsals")
@blueprint.arguments(ShopSettingsSchema)
@blueprint.response(200, TallySchema)
def rehearsal(edited: ShopSettings) -> Any:
    """The orders of the last 90 days through these settings; nothing is sent or stored

    Takes some seconds in a shop of many orders.
    """
    tally = rehearse(context(), caller().shop_id, edited).tally
    by_step: Counter[str] = Counter()
    for (step, _), count in tally.messages.items():
        by_step[step] += count
    return {
        "orders": tally.orders, "people": tally.people, "silent": tally.silent, "sent": tally.sent,
        "most_in_7": tally.most_in_7[0], "most_in_30": tally.most_in_30[0], "by_step": by_step,
        "left_out": tally.orders_left_out, "collisions": tally.collisions,
    }  # fmt: skip
