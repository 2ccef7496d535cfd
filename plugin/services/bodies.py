"""What was written to a customer, kept as it left, so that the shop can see what its customer saw.

A body is kept by the commit that marks its message `sending`: none is missing of what left, and none remains of what
was erased meanwhile.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from plugin.content.model import ProductView, Rendered, Why
from plugin.secrets import Undecryptable
from plugin.services.context import Context
from plugin.store.models.bodies import MessageBody

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Body:
    """A message as it was sent."""

    subject: str
    text: str
    html: str
    why: tuple[Why, ...] = ()  # of what it suggests


def sealed(ctx: Context, rendered: Rendered, products: Iterable[ProductView] = ()) -> bytes:
    """Compressed and encrypted, about a quarter of what it was.

    A line of JSON with the subject, the text's length and why each product is in it, then the text and the page as
    they are: a page in JSON would be escaped letter by letter.
    """
    told: dict[str, Any] = {"subject": rendered.subject, "text": len(rendered.text)}
    if why := [astuple(product.why) for product in products if product.why]:
        told["why"] = why
    head = json.dumps(told, ensure_ascii=False)
    return ctx.vault.seal_bytes(f"{head}\n{rendered.text}{rendered.html}".encode(errors="replace"))


def _opened(ctx: Context, body: bytes) -> Body:
    """Raises Undecryptable."""
    line, _, rest = ctx.vault.open_bytes(body).decode().partition("\n")
    head = json.loads(line)
    why = tuple(Why(*one) for one in head.get("why", ()))
    return Body(head["subject"], rest[: head["text"]], rest[head["text"] :], why)


def keep(session: Session, message_id: int, body: bytes) -> None:
    """Keep a sealed body beside its message. Counts once the caller commits."""
    session.execute(insert(MessageBody).values(message_id=message_id, made_at=datetime.now(UTC), body=body))


def read_body(session: Session, ctx: Context, message_id: int) -> Body | None:
    """What left for this message, the newest of several tries; None when it never did or is no longer kept.

    The caller has made sure whose message it is.
    """
    found = session.scalar(
        select(MessageBody.body)
        .where(MessageBody.message_id == message_id)
        .order_by(MessageBody.made_at.desc())
        .limit(1)
    )
    if found is None:
        return None
    try:
        return _opened(ctx, found)
    except Undecryptable:
        log.warning("body_undecryptable", extra={"message_id": message_id})
        return None
