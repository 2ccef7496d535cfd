"""Puts the API together: its resources, and the document that describes them."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_smorest import Api
from marshmallow import Schema, fields

from plugin.web import auth
from plugin.web.api import (
    data,
    desk,
    experiments,
    feedback,
    figures,
    issues,
    keys,
    mendings,
    messages,
    notices,
    offers,
    orders,
    questions,
    reviews,
    settings,
    shop,
    wording,
)
from plugin.web.api.resource import PREFIX
from plugin.web.auth import Auth

RESOURCES = (
    data, desk, experiments, feedback, figures, issues, keys, mendings, messages, notices, offers,
    orders, questions, reviews, settings, shop, wording,
)  # fmt: skip
DESCRIPTION = """What the pages of Dasi do, for programs.

Make a key on the settings page and send it as `Authorization: Bearer dasi_…`. A key opens one shop. Lists come in
pages: follow `next` by passing it as `after`. Times are ISO 8601 in UTC, amounts of money integer minor units with a
currency. At most 300 calls a minute with one key; `RateLimit-*` tells what is left."""


class ErrorItem(Schema):
    error = fields.String(required=True, metadata={"description": "a code"})
    field = fields.String(required=True, allow_none=True, metadata={"description": "the wrong field, if it is one"})
    message = fields.String(required=True, metadata={"description": "a sentence for people"})


class ErrorBody(Schema):
    status_code = fields.Integer(required=True)
    errors = fields.List(fields.Nested(ErrorItem), required=True)


class _Api(Api):  # type: ignore[misc]
    ERROR_SCHEMA = ErrorBody

    def _register_error_handlers(self) -> None:
        """The app's own handlers answer for the API too."""


def install(app: Flask) -> None:
    """Register every resource under its declared auth, and /api/v1/openapi.json."""
    app.config.update(
        API_TITLE="Dasi",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=PREFIX,
        API_SPEC_OPTIONS=_options(),
    )
    api = _Api(app)
    for area in RESOURCES:
        auth.register(app, area, api.register_blueprint)
    auth.declared(app)["api-docs"] = Auth.PUBLIC  # describes, and shows nothing of any shop


def _options() -> dict[str, Any]:
    return {
        "info": {"description": DESCRIPTION},
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{"key": []}],
    }
