"""One page of a shop's list at a time, as large as a call may cost and no larger than the bucket bears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin.platforms.shopify.admin import AdminClient, Cost
from plugin.platforms.shopify.errors import TooCostly
from schemas.shopify.admin.nodes import Node, next_cursor, nodes

MOST = 900.0  # query points of one call; Shopify's own limit is 1,000
LARGEST = 250


@dataclass(frozen=True, slots=True)
class Page:
    """Some nodes, the cursor of what follows (None: nothing does), and how to ask for it.

    `size`: the next page's; `wait`: seconds until the bucket can pay for it.
    """

    nodes: list[Node]
    after: str | None
    size: int
    wait: float


NOTHING = Page([], None, 1, 0.0)


def page(
    client: AdminClient, document: str, field: str, variables: Mapping[str, Any], size: int, after: str | None
) -> Page:
    """Ask for one page of `field`. A page that costs too much is halved until it does not.

    Raises what the client does; TooCostly when a single node costs too much.
    """
    while True:
        try:
            answer = client.ask(document, {**variables, "size": size, "after": after})
            break
        except TooCostly:
            if size == 1:
                raise
            size //= 2
    connection = answer.data.get(field)
    fitting = _fitting(answer.cost, size)
    wait = answer.cost.wait_for(answer.cost.requested / size * fitting) if answer.cost else 0.0
    return Page(nodes(connection), next_cursor(connection), fitting, wait)


def _fitting(cost: Cost | None, size: int) -> int:
    """The page size that comes near to what a call may cost."""
    if cost is None or cost.requested <= 0:
        return size
    most = min(MOST, cost.maximum * 0.9)
    return max(1, min(LARGEST, int(most / (cost.requested / size))))
