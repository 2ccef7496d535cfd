"""Orders as the API tells them, whole: what did not fit into the first answer is asked for."""

from __future__ import annotations

from typing import Any

from plugin.platforms.shopify.admin import AdminClient
from schemas.shopify.admin.nodes import Node, gid, next_cursor, nodes, part

SIZES = {"lines": 20, "events": 10}  # of an order's own lists, in the answer that also holds the order
REST = {"OrderLines": 100, "ParcelLines": 250, "ParcelEvents": 250, "RefundLines": 250}


def fetch(client: AdminClient, order_id: str) -> Node | None:
    """One order by the platform's number, whole; None when there is no such order (any more)."""
    node = part(client.call("OrderById", {"id": gid("Order", order_id), **SIZES}), "order")
    return whole(client, node) if node else None


def is_long(order: Node) -> bool:
    """Whether a part of it did not fit into the answer."""
    lists = [order.get("lineItems")]
    for parcel in nodes(order.get("fulfillments")):
        lists += [parcel.get("fulfillmentLineItems"), parcel.get("events")]
    lists += [refund.get("refundLineItems") for refund in nodes(order.get("refunds"))]
    return any(next_cursor(connection) for connection in lists)


def whole(client: AdminClient, order: Node) -> Node:
    """The order with all its lines, and all lines and events of its parcels and refunds."""
    order = _filled(client, order, "lineItems", "OrderLines", "order")
    parcels = [
        _filled(client, _filled(client, parcel, "fulfillmentLineItems", "ParcelLines", "fulfillment"),
                "events", "ParcelEvents", "fulfillment")
        for parcel in nodes(order.get("fulfillments"))
    ]  # fmt: skip
    refunds = [
        _filled(client, refund, "refundLineItems", "RefundLines", "refund") for refund in nodes(order.get("refunds"))
    ]
    return {**order, "fulfillments": parcels, "refunds": refunds}


def _filled(client: AdminClient, node: Node, field: str, document: str, root: str) -> Node:
    """The node with the rest of one of its lists; the very same when nothing is left."""
    connection = node.get(field)
    after = next_cursor(connection)
    if after is None:
        return node
    told: list[Any] = nodes(connection)
    while after is not None:
        answer = client.call(document, {"id": node["id"], "size": REST[document], "after": after})
        connection = part(answer, root, field)
        told += nodes(connection)
        after = next_cursor(connection)
    return {**node, field: {"nodes": told}}
