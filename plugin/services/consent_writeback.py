"""What customers say about consent on our own pages, told to the platform, so that the shop stops (or goes on) too.

The word is kept with the fact itself, in one transaction, and stays until the platform has it. The platform's webhook
about our own write tells the same word at the same moment again, which changes nothing.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from plugin.domain.addresses import normalise_email
from plugin.platforms.shopify.admin import AdminClient
from plugin.platforms.shopify.errors import AccessDenied, UserErrors
from plugin.services import errands, heard
from plugin.services.admin_api import admin
from plugin.services.batch import Told
from plugin.services.context import Context
from plugin.services.errands import CONSENTS, Claimed
from plugin.services.telling import feed
from plugin.store.models.customers import Customer
from plugin.store.models.platform import ConsentWriteback
from schemas.events import ConsentState
from schemas.shopify.admin.nodes import Node, gid, nodes, part

NAMESAKES = 5  # customers of one address that are looked at; there is one
DENIED_AGAIN = timedelta(hours=6)  # a permission may be granted yet

log = logging.getLogger(__name__)


def queue(
    session: Session, shop_id: int, address: str, word: ConsentState, at: datetime, customer_id: int | None
) -> None:
    """Remember to tell the platform. In the transaction of the word itself; an older word still waiting is dropped.

    `address` normalised, `customer_id` our own row's.
    """
    ref = session.scalar(select(Customer.platform_id).where(Customer.id == customer_id, Customer.shop_id == shop_id))
    mine = (ConsentWriteback.shop_id == shop_id, ConsentWriteback.address == address)
    session.execute(delete(ConsentWriteback).where(*mine))
    row = ConsentWriteback(shop_id=shop_id, address=address, word=str(word), at=at, next_at=datetime.now(UTC))
    row.customer_ref = ref
    session.add(row)
    session.flush()
    errands.ask(session, shop_id, CONSENTS)


def step(ctx: Context, claimed: Claimed) -> None:
    """Tell one word. Raises what the API's client does (the word waits), LostClaim, NoToken."""
    with ctx.database.reading() as session:
        row = session.scalars(
            select(ConsentWriteback)
            .where(ConsentWriteback.shop_id == claimed.shop_id, ConsentWriteback.next_at <= datetime.now(UTC))
            .order_by(ConsentWriteback.next_at)
            .limit(1)
        ).first()
    newer: list[Told] = []
    values: dict[str, Any] | None = None
    if row is not None:
        try:
            newer = _tell(ctx, admin(ctx, claimed.shop_id, patience=0), row)
        except UserErrors as exc:
            log.warning("consent_refused", extra={"shop": claimed.shop_id, "codes": _codes(exc)})
            values = {"next_at": None, "reason": f"Shopify refused it: {exc}"[:500]}
        except AccessDenied as exc:
            values = {"next_at": datetime.now(UTC) + DENIED_AGAIN, "reason": str(exc)[:500]}

    def also(session: Session) -> None:
        if row is not None:
            _settle(session, row, values)
        # The errand's row first: a word that is added meanwhile waits for us, or we see it.
        errands.hold(session, claimed)
        next_at = session.scalar(
            select(func.min(ConsentWriteback.next_at)).where(
                ConsentWriteback.shop_id == claimed.shop_id, ConsentWriteback.next_at.is_not(None)
            )
        )
        errands.proceed(session, claimed, {}, next_at)

    feed(ctx, claimed.shop_id, newer, also)


def _settle(session: Session, row: ConsentWriteback, values: dict[str, Any] | None) -> None:
    """Only the very word that was told: SQLite gives the number of a row that was replaced to the one after it."""
    mine = (ConsentWriteback.id == row.id, ConsentWriteback.at == row.at, ConsentWriteback.word == row.word)
    if values is None:
        session.execute(delete(ConsentWriteback).where(*mine))
        return
    session.execute(update(ConsentWriteback).where(*mine).values(attempts=row.attempts + 1, **values))


def _tell(ctx: Context, client: AdminClient, row: ConsentWriteback) -> list[Told]:
    """Write the word to every customer of the address, unless the platform has it or a newer one, which is returned."""
    asked_at, newer = ctx.clock.now(), []
    for customer in _customers(client, row):
        state = part(customer, "defaultEmailAddress", "marketingState")
        said_at = part(customer, "defaultEmailAddress", "marketingUpdatedAt")
        if state == row.word.upper():
            continue
        if said_at and datetime.fromisoformat(said_at) > row.at:
            newer.append(customer)
            continue
        client.call("ConsentUpdate", {"input": {
            "customerId": customer["id"],
            "emailMarketingConsent": {
                "marketingState": row.word.upper(),
                "consentUpdatedAt": row.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                **({"marketingOptInLevel": "SINGLE_OPT_IN"} if row.word == ConsentState.SUBSCRIBED else {}),
            },
        }})  # fmt: skip
        log.info("consent_told", extra={"shop": row.shop_id, "word": row.word})
    return heard.consents(ctx, newer, asked_at)


def _customers(client: AdminClient, row: ConsentWriteback) -> list[Node]:
    """The platform's customers of this address: the one we know, else whoever is found by it."""
    if row.customer_ref:
        known = part(client.call("CustomerById", {"id": gid("Customer", row.customer_ref)}), "customer")
        if known and _has_address(known, row.address):
            return [known]
    quoted = row.address.replace("\\", "\\\\").replace('"', '\\"')
    answer = client.call(
        "CustomersPage", {"query": f'email:"{quoted}"', "size": NAMESAKES, "after": None, "sort": "ID"}
    )
    return [node for node in nodes(answer.get("customers")) if _has_address(node, row.address)]


def _has_address(customer: Node, address: str) -> bool:
    return normalise_email(part(customer, "defaultEmailAddress", "emailAddress")) == address


def _codes(exc: UserErrors) -> str:
    return ",".join(sorted({complaint.code or "none" for complaint in exc.complaints}))
