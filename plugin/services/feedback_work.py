"""What the feedback desk has done in the background, a batch at a time: reading earlier answers' words anew."""

from __future__ import annotations

from datetime import UTC, datetime

from plugin.services import errands, tagging
from plugin.services.context import Context
from plugin.services.errands import Claimed

READ_AFTER = "read_after"  # in the errand's state: the answer up to which words were read


def step(ctx: Context, claimed: Claimed) -> None:
    """One batch, committed together with how far it came."""
    with ctx.database.transaction() as session:
        after = claimed.state.get(READ_AFTER)
        if after is not None:
            reached = tagging.read_batch(session, ctx, claimed.shop_id, after)
            state = {} if reached is None else {READ_AFTER: reached}
            errands.proceed(session, claimed, state, datetime.now(UTC))
            return
        errands.proceed(session, claimed, {}, None, finished=True)
