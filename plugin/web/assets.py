"""Our own static files, and a shop's colour as a stylesheet: the pages allow no inline style."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from plugin.content.colours import button_colours
from plugin.web.auth import Auth
from plugin.web.colours import HEX, NIGHT, PAPER, checked, readable

AUTH = Auth.PUBLIC
YEAR = 365 * 24 * 3600  # seconds

blueprint = Blueprint("assets", __name__, static_folder="static", static_url_path="/static")


@blueprint.get("/colour/<colour>.css")
def colour(colour: str) -> Response:
    """`/colour/1f5f5b.css`: the custom properties of a button, of the text on it, and of links on light and dark."""
    if not HEX.fullmatch(colour):
        abort(404)
    brand, on_brand = button_colours(checked(colour))
    response = Response(
        f":root{{--brand:{brand};--on-brand:{on_brand};--link:{readable(brand, PAPER)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--link:{readable(brand, NIGHT)}}}}}\n",
        mimetype="text/css",
    )
    response.cache_control.public = True
    response.cache_control.max_age = YEAR
    response.cache_control.immutable = True
    return response
