"""A Shopify of a few lines: hands out tokens as Shopify does, and answers documents with what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from plugin.services.context import Context

Data = dict[str, Any]
Reply = Data | httpx.Response | Exception | Callable[[Data], Any]
BUCKET = {"maximumAvailable": 1000.0, "currentlyAvailable": 990, "restoreRate": 50.0}
OPEN = {"cost": {"requestedQueryCost": 10, "actualQueryCost": 5, "throttleStatus": BUCKET}}


def data(**roots: Any) -> Data:
    return {"data": roots, "extensions": OPEN}


def failure(code: str) -> Data:
    """With a bucket that needs ten seconds."""
    bucket = BUCKET | {"currentlyAvailable": 300}
    extensions = {"cost": {"requestedQueryCost": 800, "actualQueryCost": None, "throttleStatus": bucket}}
    return {"errors": [{"message": code.title(), "extensions": {"code": code}}], "extensions": extensions}


def connection(*rows: Data, after: str | None = None) -> Data:
    return {"nodes": list(rows), "pageInfo": {"hasNextPage": after is not None, "endCursor": after}}


@dataclass
class FakeShopify(httpx.BaseTransport):
    """`answers`: by document, used up from the front, the last one for good. `calls`: (document, variables, token)."""

    answers: dict[str, list[Reply]] = field(default_factory=dict)
    calls: list[tuple[str, Data, str]] = field(default_factory=list)
    grants: list[Data] = field(default_factory=list)  # what was asked of the token endpoint
    token_trouble: list[Exception | httpx.Response | None] = field(default_factory=list)
    lifetime: int = 3600
    lose_reply: bool = False  # carry out the next grant, and drop the answer
    revoked: set[str] = field(default_factory=set)
    counter: int = 0
    refresh: dict[str, str] = field(default_factory=dict)  # refresh token that holds -> the access token retiring it
    retiring: dict[str, str] = field(default_factory=dict)  # access token -> the refresh token that its use retires
    lock: threading.Lock = field(default_factory=threading.Lock)

    def attach(self, ctx: Context) -> FakeShopify:
        ctx.__dict__["shopify"] = httpx.Client(transport=self)
        return self

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.read())
        with self.lock:
            if request.url.path.endswith("/access_token"):
                return self._grant(body)
            return self._answer(body, request.headers["X-Shopify-Access-Token"])

    def _grant(self, ask: Data) -> httpx.Response:
        self.grants.append(ask)
        if self.token_trouble and (trouble := self.token_trouble.pop(0)):
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        old = ask.get("refresh_token")
        if ask["grant_type"] == "refresh_token" and old not in self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.counter += 1
        access, refresh = f"shpat_{self.counter}", f"shprt_{self.counter}"
        self.refresh[refresh] = ""
        if old:
            self.retiring[access] = old
        if self.lose_reply:
            self.lose_reply = False
            raise httpx.ReadTimeout("lost on its way")
        return httpx.Response(200, json={
            "access_token": access, "scope": "read_orders,write_customers", "expires_in": self.lifetime,
            "refresh_token": refresh, "refresh_token_expires_in": 90 * 86400,
        })  # fmt: skip

    def _answer(self, ask: Data, token: str) -> httpx.Response:
        name = ask["operationName"]
        self.calls.append((name, ask["variables"], token))
        if token in self.revoked:
            return httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
        if retired := self.retiring.pop(token, None):
            self.refresh.pop(retired, None)
        replies = self.answers.get(name)
        if not replies:
            return httpx.Response(200, json={"errors": [{"message": f"{name} was not expected"}]})
        reply: Any = replies.pop(0) if len(replies) > 1 else replies[0]
        if callable(reply) and not isinstance(reply, (httpx.Response, Exception)):
            reply = reply(ask["variables"])
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
        return httpx.Response(200, json=reply)

    def asked(self, name: str) -> list[Data]:
        return [variables for document, variables, _ in self.calls if document == name]
