"""Erasing people and shops: what names them goes, what is left says only that something was there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, literal, or_, select, update
from sqlalchemy.orm import Session

from plugin.domain.addresses import normalise_email
from plugin.domain.survey import without_words
from plugin.secrets import Undecryptable, fingerprint
from plugin.services import consent_files, holdouts
from plugin.services.context import Context
from plugin.services.plan import lock_orders
from plugin.store.models.archive import MessageArchive
from plugin.store.models.bodies import MessageBody
from plugin.store.models.customers import (
    ArrivalAnswer,
    Checkout,
    Consent,
    Customer,
    DataRequest,
    Issue,
    Suppression,
    SurveyAnswer,
)
from plugin.store.models.desk import DeskLetter
from plugin.store.models.feedback import AnswerTag, FeedbackTag, Mending
from plugin.store.models.figures import Open, Reaction
from plugin.store.models.holdouts import Holdout
from plugin.store.models.mail_events import MailWebhook
from plugin.store.models.messages import Act, Click, Message
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order, Parcel, Product, Purchase
from plugin.store.models.platform import ConsentWriteback
from plugin.store.models.recommender import ProductList, Recommender, TrainingPart
from plugin.store.models.reviews import Review, ReviewShown
from plugin.store.models.shops import Receipt, Shop, Tombstone
from plugin.store.upserts import add_missing
from schemas.events import CustomerRedacted
from schemas.mail.providers import PROVIDERS

# Everything that belongs to a shop, children before parents; first of all the receipts, so that what works on one is
# waited for before anything is taken from under it.
_OF_A_SHOP = (
    Receipt, MailWebhook, Click, Open, Reaction, Act, Offer, Message, MessageArchive, ArrivalAnswer, DeskLetter, Issue,
    AnswerTag, Mending, FeedbackTag, Holdout, ReviewShown, Review, SurveyAnswer, DataRequest, Purchase, Parcel, Order,
    Checkout, Consent, Suppression, Product, ProductList, Recommender, TrainingPart,
)  # fmt: skip
_REJECTED = literal("rejected", literal_execute=True)  # as it stands, so that the partial index serves
BURIED = "about a customer whose data was erased"


def customer_orders(session: Session, shop: Shop, customer_ref: str | None, email: str | None,
                    order_refs: Collection[str]) -> list[Order]:  # fmt: skip
    """The orders that a compliance request is about: of the customer, to the address, or named."""
    conditions: list[ColumnElement[bool]] = [Order.platform_id.in_(order_refs)]
    if customer_ref:
        ids = select(Customer.id).where(Customer.shop_id == shop.id, Customer.platform_id == customer_ref)
        conditions.append(Order.customer_id.in_(ids))
    if address := normalise_email(email):
        conditions.append(Order.address == address)
    found: dict[int, Order] = {}
    for condition in conditions:
        found |= {o.id: o for o in session.scalars(select(Order).where(Order.shop_id == shop.id, condition))}
    return list(found.values())


def customers_of(session: Session, shop: Shop, customer_ref: str | None, orders: Collection[Order]) -> list[Customer]:
    """The customer of that platform id, those merged with it, and whoever placed the orders."""
    ids = {order.customer_id for order in orders if order.customer_id}
    mine = Customer.shop_id == shop.id
    named = session.execute(
        select(Customer.id, Customer.merged_into_id).where(mine, Customer.platform_id == (customer_ref or ""))
    )
    ids |= {id_ for row in named for id_ in row if id_}
    found = or_(Customer.id.in_(ids), Customer.merged_into_id.in_(ids))
    return list(session.scalars(select(Customer).where(mine, found).order_by(Customer.id)))


def addresses_of(
    customers: Collection[Customer], orders: Collection[Order], email: str | None, phone: str | None
) -> set[str]:
    """Every e-mail address, normalised, and telephone number under which the customer's consent may be kept."""
    mails = {normalise_email(mail) for mail in [email, *(c.email for c in customers)]}
    numbers = [phone, *(c.phone for c in customers), *(o.phone for o in orders)]
    phones = {number.strip() for number in numbers if number}
    return phones | {mail for mail in mails if mail} | {order.address for order in orders if order.address}


def erase_customer(session: Session, ctx: Context, shop: Shop, event: CustomerRedacted) -> set[int]:
    """Erase what names the customer; figures stay. Returns the ids of the orders, to be planned anew.

    The caller's transaction holds no locks yet: here it waits for whoever works on receipts of this customer.
    """
    now = ctx.clock.now()
    named = {event.customer_id} if event.customer_id else set()
    consent_files.hold(session, shop.id)
    _forget_receipts(session, shop, named, event.order_ids)
    mine = (Customer.shop_id == shop.id, Customer.platform_id.in_(named))
    session.execute(select(Customer.id).where(*mine).with_for_update())
    orders = customer_orders(session, shop, event.customer_id, event.email, event.order_ids)
    ids = [order.id for order in orders]
    lock_orders(session, ids)
    customers = customers_of(session, shop, event.customer_id, orders)
    addresses = addresses_of(customers, orders, event.email, event.phone)
    for order in orders:
        order.email = order.address = order.phone = order.first_name = order.last_name = order.locale = None
        order.shipping_address = order.status_url = None
        order.redacted_at = now
    holdouts.forget(session, [customer.id for customer in customers])
    for customer in customers:
        customer.email = customer.phone = customer.first_name = customer.last_name = customer.locale = None
        customer.redacted_at = now
    session.execute(
        update(Parcel).where(Parcel.order_id.in_(ids)).values(tracking_numbers=[], tracking_urls=[])
    )  # with a number the carrier's page tells the rest
    for messages in (Message, MessageArchive):
        session.execute(update(messages).where(messages.order_id.in_(ids)).values(address=None, mail_subject=None))
        # After the rows' locks: whoever sends one now keeps its body.
        _forget_bodies(session, select(messages.id).where(messages.order_id.in_(ids)))
    session.execute(update(Issue).where(Issue.order_id.in_(ids)).values(words=None))
    session.execute(update(DeskLetter).where(DeskLetter.order_id.in_(ids)).values(words=None))
    _forget_answers(session, ids)
    session.execute(update(Offer).where(Offer.order_id.in_(ids)).values(code=None, platform_id=None))
    session.execute(delete(AnswerTag).where(AnswerTag.order_id.in_(ids)))
    for table in (Consent, Suppression, ConsentWriteback):
        session.execute(delete(table).where(table.shop_id == shop.id, table.address.in_(addresses)))
    _forget_mail_events(session, ctx, shop, addresses, ids)
    consent_files.erase_addresses(session, ctx, shop.id, addresses)
    refs = {c.platform_id for c in customers} | named
    session.execute(
        delete(Checkout).where(
            Checkout.shop_id == shop.id,
            or_(Checkout.customer_ref.in_(refs), func.lower(Checkout.email).in_(addresses)),
        )
    )
    session.execute(
        update(DataRequest)
        .where(DataRequest.shop_id == shop.id, DataRequest.customer_ref.in_(refs))
        .values(report=None)
    )
    order_refs = {order.platform_id for order in orders} | set(event.order_ids)
    _forget_receipts(session, shop, refs, order_refs)
    _forget_unnamed(session, ctx, shop, addresses)
    _bury(session, ctx, shop, refs, order_refs)
    session.flush()
    return set(ids)


def _forget_answers(session: Session, ids: Collection[int]) -> None:
    """The customer's own words go, here and where others were shown them; scores and ticks stay."""
    session.execute(delete(ReviewShown).where(ReviewShown.review_id.in_(select(Review.id).where(Review.order_id.in_(ids)))))
    session.execute(delete(Review).where(Review.order_id.in_(ids)))
    for answer in session.scalars(select(SurveyAnswer).where(SurveyAnswer.order_id.in_(ids))):
        answer.words = answer.leave_at = answer.leave_words = answer.leave_withdrawn_at = None
        answer.given = without_words(answer.given)


def _forget_bodies(session: Session, ids: Select[int]) -> None:
    session.execute(delete(MessageBody).where(MessageBody.message_id.in_(ids)))


def _forget_mail_events(
    session: Session, ctx: Context, shop: Shop, addresses: Collection[str], orders: Collection[int]
) -> None:
    """What providers told of the customer's mail: of their orders, and what nobody could be found for yet."""
    prints = [mail_print(ctx, address) for address in addresses]
    m = MailWebhook
    unfound = m.recipient_hash.in_(prints) & (m.shop_id.is_(None) | (m.shop_id == shop.id))
    session.execute(delete(m).where(unfound))
    session.execute(
        update(m)
        .where(m.shop_id == shop.id, m.order_id.in_(orders))
        .values(key=None, rfc_id=None, recipient=None, recipient_hash=None, order_id=None)
    )
    unread = select(m.id, m.body).where(m.provider.in_(PROVIDERS), m.state == _REJECTED)
    found = _holding(ctx, session.execute(unread.execution_options(yield_per=500)), addresses)
    session.execute(update(m).where(m.id.in_(found)).values(body=None))


def mail_print(ctx: Context, address: str) -> str:
    """By which an event of a mail provider's is found that is about a normalised address."""
    return fingerprint(ctx.settings.secret_key, "mail", address)


def forget_body(session: Session, receipt_id: int) -> None:
    """A request to erase names whom it erases: once done, only the fact of it is kept."""
    session.execute(
        update(Receipt).where(Receipt.id == receipt_id).values(body=None, customer_ref=None, order_ref=None)
    )


def _forget_receipts(session: Session, shop: Shop, customers: Collection[str], orders: Collection[str]) -> None:
    for column, refs in ((Receipt.customer_ref, customers), (Receipt.order_ref, orders)):
        session.execute(update(Receipt).where(Receipt.shop_id == shop.id, column.in_(refs)).values(body=None))


def _forget_unnamed(session: Session, ctx: Context, shop: Shop, addresses: Collection[str]) -> None:
    """Payloads without a customer's or an order's id that hold an address: carts of guests, and what was refused."""
    unnamed = (Receipt.shop_id == shop.id, Receipt.customer_ref.is_(None), Receipt.order_ref.is_(None))
    suspect = or_(Receipt.topic.startswith("checkouts/"), Receipt.state.in_(["rejected", "failed"]))
    bodies = select(Receipt.id, Receipt.body).where(*unnamed, suspect, Receipt.body.is_not(None))
    found = _holding(ctx, session.execute(bodies.execution_options(yield_per=500)), addresses)
    session.execute(update(Receipt).where(Receipt.id.in_(found)).values(body=None))


def _holding(ctx: Context, rows: Iterable[Any], addresses: Collection[str]) -> list[int]:
    """The ids of those (id, sealed body) that name one of the addresses."""
    wanted = [address.encode() for address in addresses]
    found = []
    for id_, sealed in rows:
        try:
            body = ctx.vault.open_bytes(sealed or b"").lower()
        except Undecryptable:
            continue
        if any(address in body for address in wanted):
            found.append(id_)
    return found


def buried(
    session: Session, ctx: Context, code: str, customers: Iterable[str | None], orders: Iterable[str | None]
) -> bool:
    """Whether one of these platform ids, in the shop of this code, belongs to a customer who was erased."""
    prints = [_print(ctx, code, "customer", ref) for ref in customers if ref]
    prints += [_print(ctx, code, "order", ref) for ref in orders if ref]
    found = select(Tombstone.id).where(Tombstone.kind.in_(["customer", "order"]), Tombstone.fingerprint.in_(prints))
    return bool(prints) and session.scalar(found.limit(1)) is not None


def _print(ctx: Context, code: str, kind: str, ref: str) -> str:
    """By the shop's code, which outlives its row: what was erased stays so when the shop installs us again."""
    return fingerprint(ctx.settings.secret_key, code, kind, ref)


def _bury(session: Session, ctx: Context, shop: Shop, customers: Collection[str], orders: Collection[str]) -> None:
    rows = [
        {"kind": kind, "fingerprint": _print(ctx, shop.code, kind, ref), "buried_at": ctx.clock.now()}
        for kind, refs in (("customer", customers), ("order", orders)) for ref in sorted(refs)
    ]  # fmt: skip
    add_missing(session, Tombstone, rows, ["kind", "fingerprint"])


def erase_shop(session: Session, ctx: Context, shop: Shop) -> None:
    """Erase a shop and everything of it. A keyed hash of its domain stays: late webhooks must not fill it again."""
    shop_id, platform, domain = shop.id, shop.platform, shop.domain
    session.expunge_all()
    for messages in (Message, MessageArchive):
        _forget_bodies(session, select(messages.id).where(messages.shop_id == shop_id))
    for table in _OF_A_SHOP:
        session.execute(delete(table).where(table.shop_id == shop_id))
    session.execute(update(Customer).where(Customer.shop_id == shop_id).values(merged_into_id=None))
    session.execute(delete(Customer).where(Customer.shop_id == shop_id))
    session.execute(delete(Shop).where(Shop.id == shop_id))
    row = {"kind": "shop", "fingerprint": fingerprint(ctx.settings.secret_key, platform, domain),
           "buried_at": ctx.clock.now()}  # fmt: skip
    session.execute(delete(Tombstone).where(Tombstone.kind == "shop", Tombstone.fingerprint == row["fingerprint"]))
    add_missing(session, Tombstone, [row], ["kind", "fingerprint"])
