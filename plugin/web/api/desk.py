"""The desk's opening hours, in which the reply clock runs."""

from __future__ import annotations

from typing import Any

from plugin.domain.desk_hours import WEEKDAYS
from plugin.services.desk_hours import BadHours, hours_of, save_hours
from plugin.services.shops import shop_of
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.issues import HoursSchema

AUTH = Auth.API_KEY

blueprint = Resource("desk", "When somebody answers.")


@blueprint.get("/desk/hours")
@blueprint.response(200, HoursSchema)
def hours() -> Any:
    """The opening hours by weekday, and how soon customers are to be answered in them"""
    with context().database.reading() as session:
        known = hours_of(session, shop_of(session, caller().shop_id))
    days = {
        day: [[f"{start:%H:%M}", f"{end:%H:%M}"] for start, end in spans]
        for day, spans in zip(WEEKDAYS, known.days, strict=True)
    }
    return {"zone": known.zone.key, "days": days, "goal_minutes": int(known.goal.total_seconds() // 60)}


@blueprint.put("/desk/hours")
@blueprint.arguments(HoursSchema)
@blueprint.response(200, HoursSchema)
def replace(body: dict[str, Any]) -> Any:
    """Replace the opening hours; clocks that run stay as they are

    A weekday that is left out is closed. A span that ends at 00:00 ends with the day.
    """
    who, ctx = caller(), context()
    try:
        with ctx.database.transaction() as session:
            given = (body["days"], body["zone"], body["goal_minutes"])
            save_hours(session, ctx, who.shop_id, *given, f"API key {who.name}")
    except BadHours as exc:
        path = {"days": {exc.field: ["these are no hours"]}} if exc.field in WEEKDAYS else {exc.field: ["not valid"]}
        raise BadInput({"json": path}) from None
    return hours()
