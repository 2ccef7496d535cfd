"""Shopify's GraphQL Admin API: named documents in, data out, and every way in which a call can fail told apart.

Of the shopifyapp package only the tokens are used here: its GraphQL call drops the data of an answer that also has
errors, and the header that says how long to wait. Sources: shopify.dev, "API rate limits" and "Response status codes".
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Protocol

import httpx

from plugin.platforms.shopify.errors import (
    AccessDenied,
    Complaint,
    Refused,
    Throttled,
    TooCostly,
    Unauthorized,
    Unavailable,
    UserErrors,
)

PATIENCE = 20.0  # seconds that one call may wait in all, for the bucket to fill or for Shopify to come back
TRIES = 4
PAUSES = (0.5, 1.0, 2.0)  # seconds before each try after a failure of Shopify's own
LONGEST_WAIT = 60.0  # seconds: what a header may ask of us
_TROUBLE = {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"}  # half an answer is not taken for a whole one
_SPREAD = re.compile(r"\.\.\.(\w+)")
_FOLDER = resources.files("plugin.platforms.shopify.documents")

log = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Gives the shop's access token; `spent`: one that the API has just refused, to be replaced."""

    def __call__(self, spent: str | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost in query points, and what the shop's bucket holds after it."""

    requested: float
    actual: float
    available: float
    maximum: float
    restore_rate: float  # points a second

    def wait_for(self, points: float) -> float:
        """Seconds until the bucket holds so many."""
        missing = min(points, self.maximum) - self.available
        return max(missing, 0.0) / self.restore_rate if self.restore_rate > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The data of a call. `missing`: paths that came back empty with an error, e.g. what the app may not read."""

    data: dict[str, Any]
    cost: Cost | None
    missing: tuple[str, ...] = ()


@cache
def document(name: str) -> str:
    """A document by its name, which is also its operation's, with the fragments it uses. Raises KeyError."""
    needed, parts = [name], dict[str, str]()
    while needed:
        part = needed.pop()
        if part not in parts:
            try:
                parts[part] = (_FOLDER / f"{part}.graphql").read_text("utf-8")
            except FileNotFoundError:
                raise KeyError(part) from None
            needed += _SPREAD.findall(parts[part])
    return "\n".join(parts.values())


def documents() -> list[str]:
    """The names of all documents (not of the fragments)."""
    files = {file.name.removesuffix(".graphql"): file for file in _FOLDER.iterdir() if file.name.endswith(".graphql")}
    return sorted(name for name, file in files.items() if not file.read_text("utf-8").startswith("fragment"))


class AdminClient:
    """One shop's API. `patience` 0 never waits: for workers that have other things to do."""

    def __init__(
        self,
        domain: str,
        version: str,
        http: httpx.Client,
        token: TokenSource,
        *,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.domain = domain
        self._url = f"https://{domain}/admin/api/{version}/graphql.json"
        self._http, self._token = http, token
        self._patience, self._sleep = patience, sleep

    def call(self, document_name: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data of `ask`."""
        return self.ask(document_name, variables).data

    def ask(self, document_name: str, variables: Mapping[str, Any] | None = None) -> Answer:
        """Run a document. A query is tried again after trouble of Shopify's; a mutation only where nothing was done.

        What the app may not read comes back as None and is told in `missing`. Raises Throttled, TooCostly,
        AccessDenied, Unauthorized, UserErrors, Refused, Unavailable, and what the token source raises.
        """
        text = document(document_name)
        is_mutation = text.lstrip().startswith("mutation")
        body = {"query": text, "operationName": document_name, "variables": dict(variables or {})}
        left, failures, token = self._patience, 0, self._token()
        renewed = False
        while True:
            begun = time.monotonic()
            try:
                return self._once(document_name, body, token)
            except Unauthorized:
                if renewed:
                    raise
                token, renewed = self._token(spent=token), True
                continue
            except (Throttled, Unavailable) as exc:
                if isinstance(exc, Unavailable) and exc.unknown and is_mutation:
                    raise
                wait = exc.wait if isinstance(exc, Throttled) else PAUSES[min(failures, len(PAUSES) - 1)]
                failures += 1
                left -= time.monotonic() - begun  # an answer that took long to fail was waited for, too
                if wait > left or failures >= TRIES:
                    raise
            left -= wait
            self._sleep(wait)

    def _once(self, name: str, body: dict[str, Any], token: str) -> Answer:
        try:
            response = self._http.post(self._url, json=body, headers={"X-Shopify-Access-Token": token})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Unavailable("Shopify could not be reached") from None
        except httpx.HTTPError as exc:
            raise Unavailable(f"Shopify did not answer: {type(exc).__name__}", unknown=True) from None
        if response.status_code != 200:
            raise _refusal(response)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unavailable("Shopify's answer is no JSON object", unknown=True)
        return _read(name, answer)


def _refusal(response: httpx.Response) -> Exception:
    status = response.status_code
    if status == 401:
        return Unauthorized("Shopify did not take the access token")
    if status == 429:
        return Throttled(_seconds(response.headers.get("Retry-After")))
    if status in (402, 403, 404, 423):
        why = {402: "the shop is frozen", 404: "there is no such shop", 423: "the shop is locked"}
        return AccessDenied(why.get(status, "Shopify does not let this app read or write the shop"))
    if status >= 500:
        return Unavailable(f"Shopify answered {status}", unknown=True)
    return Refused(f"Shopify answered {status}")


def _read(name: str, answer: dict[str, Any]) -> Answer:
    """The answer of a 200, which may still be a failure."""
    data, errors, cost = answer.get("data"), answer.get("errors"), _cost(answer)
    if isinstance(errors, str):
        raise Refused(f"{name}: Shopify refused the whole call")
    problems = [error for error in errors or () if isinstance(error, dict)]
    codes = [_code(problem) for problem in problems]
    if "THROTTLED" in codes:
        raise Throttled(cost.wait_for(cost.requested) if cost else 1.0)
    if "MAX_COST_EXCEEDED" in codes:
        raise TooCostly(f"{name} asks for too much at once")
    filled = isinstance(data, dict) and any(value is not None for value in data.values())
    if problems and (not filled or _TROUBLE & set(codes)):
        raise _failure(name, codes)
    if not isinstance(data, dict):
        raise Unavailable(f"{name}: an answer without data", unknown=True)
    if problems:
        log.info("admin_partial", extra={"document": name, "codes": ",".join(sorted({c or "?" for c in codes}))})
    for value in data.values():
        if isinstance(value, dict) and value.get("userErrors"):
            raise UserErrors(tuple(_complaint(error) for error in value["userErrors"]))
    return Answer(data, cost, tuple(_path(problem) for problem in problems))


def _failure(name: str, codes: list[str | None]) -> Exception:
    if _TROUBLE & set(codes):
        return Unavailable(f"{name}: Shopify had trouble of its own", unknown=True)
    if "ACCESS_DENIED" in codes:
        return AccessDenied(f"{name}: the app lacks a permission of the shop")
    if "SHOP_INACTIVE" in codes:
        return AccessDenied("the shop is closed")
    named = ", ".join(sorted({code or "no code" for code in codes}))
    return Refused(f"{name}: Shopify does not understand the call ({named[:200]})")


def _code(problem: dict[str, Any]) -> str | None:
    extensions = problem.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return code if isinstance(code, str) else None


def _path(problem: dict[str, Any]) -> str:
    path = problem.get("path")
    return ".".join(str(part) for part in path) if isinstance(path, list) else ""


def _complaint(error: dict[str, Any]) -> Complaint:
    field = error.get("field")
    parts = field if isinstance(field, list) else [field] if field else []
    return Complaint(error.get("code"), tuple(str(part) for part in parts), str(error.get("message") or ""))


def _cost(answer: dict[str, Any]) -> Cost | None:
    try:
        cost = answer["extensions"]["cost"]
        status = cost["throttleStatus"]
        return Cost(
            requested=float(cost["requestedQueryCost"] or 0),
            actual=float(cost.get("actualQueryCost") or 0),
            available=float(status["currentlyAvailable"]),
            maximum=float(status["maximumAvailable"]),
            restore_rate=float(status["restoreRate"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _seconds(text: str | None) -> float:
    """Retry-After in seconds, which Shopify also writes as "2.0"; one that is missing or a date asks for two."""
    try:
        wait = float(text or "")
    except ValueError:
        return 2.0
    return min(max(wait, 0.1), LONGEST_WAIT) if wait == wait else 2.0
