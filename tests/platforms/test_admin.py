"""One call of the Admin API, and every way in which it can fail."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from plugin.platforms.shopify.admin import TRIES, AdminClient, document, documents
from plugin.platforms.shopify.errors import (
    AccessDenied,
    AdminError,
    Refused,
    Throttled,
    TooCostly,
    Unauthorized,
    Unavailable,
    UserErrors,
)
from plugin.platforms.shopify.http import Redirected

SHOP = "haneul.myshopify.com"
OK = {"data": {"shop": {"name": "Haneul"}}}


def costs(requested: int, available: float, rate: float = 50.0) -> dict[str, Any]:
    status = {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}}


def coded(code: str, **rest: Any) -> dict[str, Any]:
    return {"errors": [{"message": "words", "extensions": {"code": code}}], **rest}


THROTTLED = coded("THROTTLED", extensions=costs(600, 100))


class Line:
    """A client over a line on which the answers are scripted; remembers requests and pauses."""

    def __init__(self, *answers: Any, patience: float = 90.0) -> None:
        self.answers, self.requests = list(answers), list[httpx.Request]()
        self.pauses, self.spent = list[float](), list[str | None]()
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.client = AdminClient(SHOP, "2026-10", http, self._token, patience=patience, sleep=self.pauses.append)

    def _token(self, spent: str | None = None) -> str:
        self.spent.append(spent)
        return f"token-{len(self.spent)}"

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json=answer)

    def fails(self, error: type[AdminError], document_name: str = "ShopFacts") -> AdminError:
        with pytest.raises(error) as caught:
            self.client.call(document_name)
        assert type(caught.value) is error
        return caught.value


def test_a_call_names_its_operation_the_shop_and_the_version() -> None:
    line = Line(OK)
    assert line.client.call("OrderById", {"id": "gid://shopify/Order/1"}) == OK["data"]
    (request,) = line.requests
    assert str(request.url) == f"https://{SHOP}/admin/api/2026-10/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "token-1"
    body = json.loads(request.content)
    assert body["operationName"] == "OrderById"
    assert body["variables"] == {"id": "gid://shopify/Order/1"}
    assert body["query"].startswith("query OrderById")


def test_a_document_comes_with_the_fragments_it_uses_once_each() -> None:
    text = document("OrdersPage")
    for fragment in ("OrderParts", "LineParts", "ParcelParts", "AddressParts", "PageParts"):
        assert text.count(f"fragment {fragment} ") == 1
    assert "ShopFacts" in documents()
    assert "OrderParts" not in documents()
    with pytest.raises(KeyError):
        document("NoSuchThing")


def test_an_empty_bucket_is_waited_for_as_long_as_it_says() -> None:
    line = Line(THROTTLED, OK)
    assert line.client.call("ShopFacts") == OK["data"]
    assert line.pauses == [10.0]  # 500 points at 50 a second


def test_without_patience_an_empty_bucket_is_told_at_once() -> None:
    line = Line(THROTTLED, patience=0)
    error = line.fails(Throttled)
    assert isinstance(error, Throttled)
    assert error.wait == 10.0
    assert line.pauses == []


def test_a_bucket_that_stays_empty_is_given_up() -> None:
    line = Line(*[THROTTLED] * 9, patience=25)
    line.fails(Throttled)
    assert line.pauses == [10.0, 10.0]


@pytest.mark.parametrize(
    ("header", "pause"), [({"Retry-After": "2.0"}, 2.0), ({"Retry-After": "7"}, 7.0), ({}, 2.0),
                          ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 2.0), ({"Retry-After": "nan"}, 2.0),
                          ({"Retry-After": "86400"}, 60.0)],
)  # fmt: skip
def test_429_says_when(header: dict[str, str], pause: float) -> None:
    line = Line(httpx.Response(429, headers=header), OK)
    assert line.client.call("ShopFacts") == OK["data"]
    assert line.pauses == [pause]


def test_a_page_that_costs_too_much() -> None:
    Line(coded("MAX_COST_EXCEEDED", extensions=costs(1200, 1000))).fails(TooCostly)


@pytest.mark.parametrize(
    "trouble",
    [httpx.Response(500), httpx.Response(503, text="<html>"), httpx.ReadTimeout("x"), httpx.ConnectError("x"),
     httpx.RemoteProtocolError("x"), httpx.Response(200, text="<html>"), httpx.Response(200, json=[1]), {"data": None},
     coded("INTERNAL_SERVER_ERROR", data={"shop": {"name": "half"}, "orders": None}), coded("TIMEOUT", data=None)],
)  # fmt: skip
def test_trouble_of_shopifys_own_is_tried_again(trouble: Any) -> None:
    line = Line(trouble, trouble, OK)
    assert line.client.call("ShopFacts") == OK["data"]
    assert line.pauses == [0.5, 1.0]


def test_trouble_that_stays_is_given_up() -> None:
    line = Line(*[httpx.Response(502)] * 9)
    line.fails(Unavailable)
    assert len(line.requests) == TRIES


@pytest.mark.parametrize(
    ("trouble", "tries"), [(httpx.ReadTimeout("x"), 1), (httpx.Response(500), 1), (httpx.ConnectError("x"), TRIES),
                           (httpx.Response(429), TRIES), (THROTTLED, TRIES)],
)  # fmt: skip
def test_a_mutation_is_repeated_only_where_nothing_was_done(trouble: Any, tries: int) -> None:
    line = Line(*[trouble] * 9)
    with pytest.raises((Unavailable, Throttled)):
        line.client.call("ConsentUpdate", {"input": {}})
    assert len(line.requests) == tries


def test_a_token_that_is_not_taken_is_replaced_once() -> None:
    line = Line(httpx.Response(401), OK)
    assert line.client.call("ShopFacts") == OK["data"]
    assert line.spent == [None, "token-1"]
    line = Line(httpx.Response(401), httpx.Response(401), OK)
    line.fails(Unauthorized)


@pytest.mark.parametrize("status", [402, 403, 404, 423])
def test_a_shop_that_does_not_let_us(status: int) -> None:
    line = Line(httpx.Response(status, json={"errors": "[API] This action requires merchant approval"}))
    line.fails(AccessDenied)
    assert line.pauses == []


@pytest.mark.parametrize("answer", [coded("ACCESS_DENIED"), coded("ACCESS_DENIED", data={"orders": None}),
                                    coded("SHOP_INACTIVE", data=None)])  # fmt: skip
def test_a_permission_that_is_missing(answer: dict[str, Any]) -> None:
    Line(answer).fails(AccessDenied)


@pytest.mark.parametrize(
    "answer", [{"errors": "Not Found"}, {"errors": [{"message": "syntax error"}]}, httpx.Response(400, json={}),
               coded("undefinedField"), {"errors": [{"message": "x"}], "data": {"ordersCount": None}}]
)  # fmt: skip
def test_a_mistake_of_ours(answer: Any) -> None:
    Line(answer).fails(Refused)


def test_half_an_answer_is_an_answer() -> None:
    """Fields that the app may not read come back empty, with an error each; the rest counts."""
    told = {"orders": {"nodes": [{"id": "gid://shopify/Order/1", "email": None}]}}
    error = {"message": "no", "path": ["orders", "nodes", 0, "email"], "extensions": {"code": "ACCESS_DENIED"}}
    answer = Line({"data": told, "errors": [error]}).client.ask("OrdersChanged")
    assert answer.data == told
    assert answer.missing == ("orders.nodes.0.email",)


def test_user_errors_say_codes_and_no_input() -> None:
    wrong = [{"field": ["input", "customerId"], "message": "jane@example.com is unknown", "code": "INVALID"}]
    error = Line({"data": {"customerEmailMarketingConsentUpdate": {"customer": None, "userErrors": wrong}}}).fails(
        UserErrors, "ConsentUpdate"
    )
    assert isinstance(error, UserErrors)
    assert str(error) == "input.customerId: INVALID"
    assert error.complaints[0].message == "jane@example.com is unknown"


def test_what_a_call_cost_is_told() -> None:
    told = {"data": OK["data"], "extensions": costs(300, 200)}
    cost = Line(told).client.ask("ShopFacts").cost
    assert cost is not None
    assert cost.wait_for(450) == 5.0
    assert cost.wait_for(100) == 0.0
    assert cost.wait_for(5000) == 16.0, "never for more than the bucket holds"


@pytest.mark.parametrize("base", ["http://127.0.0.1:8700", "http://127.0.0.1:8700/", "http://127.0.0.1:8700/twin"])
def test_every_call_can_be_sent_to_a_server_of_ones_own(base: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=OK)

    def token(spent: str | None = None) -> str:
        return "token"

    http = httpx.Client(transport=Redirected(base, httpx.MockTransport(answer)))
    AdminClient(SHOP, "2026-10", http, token).call("ShopFacts")
    (request,) = seen
    assert str(request.url) == f"{base.rstrip('/')}/admin/api/2026-10/graphql.json"
    assert request.headers["Host"] == SHOP
    assert json.loads(request.content)["operationName"] == "ShopFacts"
