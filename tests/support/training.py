"""Training a shop at once, turn by turn as workers do."""

from __future__ import annotations

from collections.abc import Callable

from plugin.services import errands
from plugin.services.context import Context
from plugin.services.errands import TRAIN
from plugin.services.recommender import train


def learn(ctx: Context, shop_id: int, between: Callable[[], object] = lambda: None) -> int:
    """Returns how many turns it took; `between` is called after each but the last."""
    with ctx.database.transaction() as session:
        errands.ask(session, shop_id, TRAIN, restart=True)
    turns = 0
    while (claimed := errands.claim(ctx)) is not None:
        if turns:
            between()
        train.step(ctx, claimed)
        turns += 1
    return turns
