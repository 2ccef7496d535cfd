"""A resource of the API: a blueprint that admits keys only, reads by a schema and answers in the house's errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from flask import Response, jsonify
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from plugin.web.api import access

PREFIX = "/api/v1"


class BadInput(Exception):
    """What a schema refuses. `messages`: marshmallow's, by place (json, query …) and field."""

    def __init__(self, messages: Mapping[str, Any]) -> None:
        super().__init__("the input does not fit")
        self.messages = messages


class _Parser(FlaskParser):
    def handle_error(  # type: ignore[override]
        self, error: ValidationError, req: Any, schema: Schema, *, error_status_code: int, error_headers: Any
    ) -> NoReturn:
        raise BadInput(error.messages_dict)


class Resource(Blueprint):  # type: ignore[misc]
    """One resource under /api/v1. `description` is what the OpenAPI document says of it."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, f"plugin.web.api.{name}", url_prefix=PREFIX, description=description)
        self.before_request(access.admit)
        self.after_request(access.finish)
        self.register_error_handler(BadInput, lambda error: invalid(error.messages))


def invalid(messages: Mapping[str, Any]) -> Response:
    """422 with an error for each wrong field; `messages` as marshmallow nests them, the place first."""
    errors = [
        {"error": "invalid", "field": ".".join(path[1:]) or None, "message": text} for path, text in _flat(messages)
    ]
    response = jsonify(status_code=422, errors=errors)
    response.status_code = 422
    return response


def _flat(messages: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            yield from _flat(value, path if key == "_schema" else (*path, str(key)))
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            yield path, str(text)
