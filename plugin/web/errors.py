"""Every error in the contract's body: {"status_code": …, "errors": [{"error", "field", "message"}]}.

Pages that a customer sees answer with a page in plain words instead.
"""

from __future__ import annotations

import errno
import logging
from typing import Any

from flask import Flask, Response, jsonify, request
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException

from plugin.web import pages
from plugin.web.merchant import access
from plugin.web.merchant import pages as merchant_pages

RETRY_SECONDS = 10

log = logging.getLogger(__name__)


def problem(status: int, error: str, message: str, field: str | None = None) -> Response:
    """The contract's error body. `error` is a code in snake_case, `message` a sentence, `field` the wrong field."""
    response = jsonify(status_code=status, errors=[{"error": error, "field": field, "message": message}])
    response.status_code = status
    return response


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    response = _answer(status, _code(error.name), error.description or error.name)
    for name, value in error.get_headers(request.environ):
        if name.lower() in ("allow", "retry-after", "location"):  # a rule's own redirect is an HTTPException too
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    """503 when the database is out of reach or the disk is full, else 500; neither says more than that.

    A LookupError of a service's is 404: what the shop does not have, does not exist for it.
    """
    if isinstance(error, LookupError) and type(error).__module__.startswith("plugin."):
        return _answer(404, "not_found", "There is no such thing in this shop.")
    if unavailable(error):
        log.error("request_unavailable", exc_info=error, extra={"route": route()})
        response = _answer(503, "unavailable", "The database cannot be reached or written to. Try again soon.")
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    log.error("request_failed", exc_info=error, extra={"route": route()})
    return _answer(500, "internal_error", "Something went wrong on our side. It has been recorded.")


def unavailable(error: BaseException) -> bool:
    """Is it the database's or the disk's state, so that trying again later makes sense?"""
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return True
    return isinstance(error, (exc.OperationalError, exc.InterfaceError, exc.TimeoutError))


def route() -> str:
    """The rule that matched, never the path: a path may hold a token."""
    return request.url_rule.rule if request.url_rule else "unmatched"


def _answer(status: int, code: str, message: str) -> Response:
    if pages.wanted():
        return pages.error_page(status)
    if access.on_page():
        return merchant_pages.error_page(status)
    return problem(status, code, message)


def _code(name: Any) -> str:
    return str(name).lower().replace(" ", "_").replace("'", "")
