"""Every GraphQL document against Shopify's full schema, and the app's scopes against what the documents ask for."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    NoDeprecatedCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    execute,
    get_named_type,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
    visit,
)

from plugin.platforms.shopify.admin import document, documents
from schemas.shopify.admin.orders import order_events
from schemas.shopify.admin.people import customer_events, product_events
from tests.schemas import admin_shapes as shapes

APP = Path(__file__).parents[2] / "shopify.app.toml"
# What the schema says of a webhook topic: "Requires the `read_orders` scope." or a list of which one is enough.
_NEEDS = re.compile(r"Requires ([^.]+)", re.ASCII)

pytestmark = pytest.mark.shared


@cache
def introspection(path: Path) -> dict[str, Any]:
    with gzip.open(path) as file:
        found: dict[str, Any] = json.load(file)
    return found


@pytest.fixture(scope="session")
def told(shared: Path) -> dict[str, Any]:
    return introspection(shared / "shopify" / "admin_2026-10.json.gz")


@pytest.fixture(scope="session")
def schema(told: dict[str, Any]) -> GraphQLSchema:
    return build_client_schema(told["data"], assume_valid=True)


@pytest.fixture(scope="session")
def access(told: dict[str, Any]) -> dict[str, tuple[set[str], bool]]:
    """Type or Type.field -> the scopes that open it, and whether all of them are needed (else any)."""
    found = {}
    for item in told["offline_scopes"]["items"]:
        name = item["typeName"] if item["type"] == "type" else f"{item['typeName']}.{item['fieldName']}"
        if item["offlineScopes"]:
            found[name] = set(item["offlineScopes"]), " or " not in item["requiredAccess"]
    return found


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    return tomllib.loads(APP.read_text("utf-8"))


def asked_for(config: dict[str, Any]) -> set[str]:
    """At installation, and later of the shops whose merchants choose what needs more."""
    return set(config["access_scopes"]["scopes"].split(",")) | set(config["access_scopes"]["optional_scopes"])


def declared(config: dict[str, Any]) -> set[str]:
    """The scopes of the app; one that may write may also read."""
    scopes = asked_for(config)
    return scopes | {scope.replace("write_", "read_", 1) for scope in scopes if scope.startswith("write_")}


def used(schema: GraphQLSchema, text: str) -> set[str]:
    """Every type and field that a document touches."""
    types, found = TypeInfo(schema), set[str]()

    class Collect(Visitor):
        def enter_field(self, node: Any, *_: Any) -> None:
            parent, kind = types.get_parent_type(), types.get_type()
            assert parent is not None
            assert kind is not None
            found.update({f"{parent.name}.{node.name.value}", get_named_type(kind).name})

    visit(parse(text), TypeInfoVisitor(types, Collect()))
    return found


def asked(topics: dict[str, str], topic: str) -> set[str]:
    """The scopes of which a webhook topic needs one; empty for a topic that needs none."""
    words = topics.get(topic.replace("/", "_").upper(), "")
    match = _NEEDS.search(" ".join(words.split()))
    return set(re.findall(r"(?:read|write)_[a-z_]+", match[1])) if match else set()


@pytest.fixture(scope="session")
def topics(told: dict[str, Any]) -> dict[str, str]:
    types = {kind["name"]: kind for kind in told["data"]["__schema"]["types"]}
    return {value["name"]: value["description"] for value in types["WebhookSubscriptionTopic"]["enumValues"]}


@pytest.mark.parametrize("name", documents())
def test_a_document_is_valid_and_uses_nothing_deprecated(schema: GraphQLSchema, name: str) -> None:
    parsed = parse(document(name))
    assert [error.message for error in validate(schema, parsed, [*specified_rules, NoDeprecatedCustomRule])] == []
    operation = get_operation_ast(parsed, name)
    assert operation is not None, "a document's operation has the document's name"


@pytest.mark.parametrize("name", documents())
def test_the_scopes_open_all_that_a_document_reads(
    schema: GraphQLSchema, access: dict[str, tuple[set[str], bool]], config: dict[str, Any], name: str
) -> None:
    mine = declared(config)
    closed = []
    for what in sorted(used(schema, document(name))):
        wanted, every = access.get(what, (set(), False))
        if wanted and not (wanted <= mine if every else wanted & mine):
            closed.append(f"{what} needs {wanted}")
    assert closed == []


def needed_scopes(
    schema: GraphQLSchema, access: dict[str, tuple[set[str], bool]], topics: dict[str, str], config: dict[str, Any]
) -> Iterator[set[str]]:
    for name in documents():
        for what in used(schema, document(name)):
            yield access.get(what, (set(), False))[0]
    for topic in subscribed(config):
        yield asked(topics, topic)


def subscribed(config: dict[str, Any]) -> list[str]:
    return [topic for part in config["webhooks"]["subscriptions"] for topic in part.get("topics", [])]


def test_the_scopes_open_all_topics(topics: dict[str, str], config: dict[str, Any]) -> None:
    mine = declared(config)
    assert {topic: asked(topics, topic) for topic in subscribed(config)
            if asked(topics, topic) and not asked(topics, topic) & mine} == {}  # fmt: skip
    assert asked(topics, "orders/create") == {"read_orders", "read_marketplace_orders"}
    assert asked(topics, "fulfillment_events/create") == {"read_fulfillments"}
    assert asked(topics, "app/uninstalled") == set()
    known = {name.lower() for name in topics}
    assert {topic for topic in subscribed(config) if topic.replace("/", "_") not in known} == set()


def test_no_scope_is_asked_for_without_need(
    schema: GraphQLSchema, access: dict[str, tuple[set[str], bool]], topics: dict[str, str], config: dict[str, Any]
) -> None:
    wanted = set().union(*needed_scopes(schema, access, topics, config))
    assert asked_for(config) - wanted == set()


@pytest.mark.parametrize(
    ("name", "root", "node", "read"),
    [
        ("OrderById", "order", shapes.api_order(), order_events),
        ("CustomerById", "customer", shapes.api_customer(), customer_events),
        (
            "ProductsPage",
            "products",
            shapes.connection(shapes.api_product()),
            lambda page: product_events(page["nodes"][0]),
        ),
    ],
)
def test_a_document_asks_for_all_that_is_read(
    schema: GraphQLSchema, name: str, root: str, node: dict[str, Any], read: Callable[[Any], Any]
) -> None:
    """What is known of the thing, asked for by the document under the real schema, gives the events of its webhook."""
    variables = {"id": "gid://shopify/Thing/1", "lines": 9, "events": 9, "size": 9, "sort": "ID"}
    wanted = {
        definition.variable.name.value
        for definition in parse(document(name)).definitions[0].variable_definitions  # type: ignore[union-attr]
    }
    result = execute(schema, parse(document(name)), {root: node},
                     variable_values={key: value for key, value in variables.items() if key in wanted})  # fmt: skip
    assert not isinstance(result, Awaitable)
    assert result.errors is None
    assert result.data is not None
    assert read(result.data[root]) == read(node)
    assert read(node)
