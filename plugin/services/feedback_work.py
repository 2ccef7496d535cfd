"""What the feedback desk has done in the background, a batch at a time: earlier answers' words are read anew, and those
are planned who are to hear that something was mended."""

from __future__ import annotations

from datetime import UTC, datetime

from plugin.services import errands, mendings, tagging
from plugin.services.context import Context
from plugin.services.errands import Claimed

READ_AFTER = "read_after"  # in the errand's state: the answer up to which words were read


def step(ctx: Context, claimed: Claimed) -> None:
    """One batch, committed together with how far it came. Mendings first: somebody waits for them."""
    with ctx.database.transaction() as session:
        state, again = dict(claimed.state), datetime.now(UTC)
        if mendings.plan_batch(session, ctx, claimed.shop_id):
            errands.proceed(session, claimed, state, again)
        elif READ_AFTER in state:
            reached = tagging.read_batch(session, ctx, claimed.shop_id, state.pop(READ_AFTER))
            errands.proceed(session, claimed, state if reached is None else {READ_AFTER: reached}, again)
        else:
            errands.proceed(session, claimed, {}, None, finished=True)
            return
    mendings.nudge(ctx)
