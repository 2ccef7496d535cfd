"""The customer's leave to show their words to others: given with its moment and wording, taken back at any time."""

from __future__ import annotations

from plugin.services import reviews
from plugin.services.answers import locked_order
from plugin.services.context import Context
from plugin.services.survey_view import Survey, survey_of, survey_view


def give_leave(ctx: Context, message_id: int, wording: str) -> Survey | None:
    """Remember the leave and what exactly was agreed to. Without something good to show, nothing is remembered.

    None: nothing was answered. Raises NotThere, Erased.
    """
    now = ctx.clock.now()
    with locked_order(ctx, message_id) as (session, order):
        answer = survey_of(session, order)
        if answer is None:
            return None
        if reviews.publishable(answer) and not reviews.has_leave(answer):
            answer.leave_at, answer.leave_words, answer.leave_withdrawn_at = now, wording, None
            reviews.follow(session, order, answer, now)
        return survey_view(answer, now)


def withdraw_leave(ctx: Context, message_id: int) -> Survey | None:
    """From now on the words are shown nowhere. Always possible, however old the answer. Raises NotThere, Erased."""
    now = ctx.clock.now()
    with locked_order(ctx, message_id) as (session, order):
        answer = survey_of(session, order)
        if answer is None:
            return None
        if reviews.has_leave(answer):
            answer.leave_withdrawn_at = now
            reviews.follow(session, order, answer, now)
        return survey_view(answer, now)
