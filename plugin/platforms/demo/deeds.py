"""What can be done in the demo shop. Each deed changes the books, notes it in the diary and sends webhooks off.

A deed that makes no sense any more (shipping a cancelled order) does nothing. Whatever is told twice is told with the
same words as Shopify uses: one deed is one event with several topics.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from plugin.platforms.demo import catalogue, payloads
from plugin.platforms.demo.books import Books, Deed, Hook, Payload

STATUSES = {
    "in_transit": "The carrier says: in transit", "out_for_delivery": "The carrier says: out for delivery",
    "delayed": "The carrier says: delayed", "delivered": "The carrier says: delivered",
}  # fmt: skip

TWO_PARCELS = "Please send it in two parcels."


class Shopkeeper:
    """Does deeds on open books. `public_url`: where this installation answers, for links in the payloads."""

    def __init__(self, books: Books, public_url: str) -> None:
        self.books = books
        self.public_url = public_url

    def do(self, deed: Deed, at: datetime) -> None:
        """One deed at the moment `at`. Raises KeyError for a kind that does not exist."""
        doers: dict[str, Callable[[Payload, dict[str, Any], datetime], None]] = {
            "ship": self._ship, "number": self._number, "carrier": self._carrier, "cancel": self._cancel,
            "refund": self._refund,
        }  # fmt: skip
        if deed.kind == "place":
            self._place(deed, at)
            return
        doer = doers[deed.kind]
        order = self.books.order(deed.order_id)
        if order is not None and not order["cancelled_at"]:
            doer(order, deed.details, at)

    def open(self, at: datetime, installed_at: datetime) -> None:
        """Tell of the shop, its catalogue and the orders of the weeks before Dasi was installed. Once.

        Under a new public address the catalogue is told again, because the pictures have moved with it.
        """
        if self.books.opened_at == self.public_url:
            return
        first, self.books.opened_at = self.books.opened_at is None, self.public_url
        topic = "products/create" if first else "products/update"
        if first:  # before the catalogue: prices name no currency, they are in the shop's
            self._tell(at, ("shop/update", payloads.shop(at)))
        for item in catalogue.PRODUCTS:
            image_url = f"{self.public_url}/static/demo/{item.image}"
            self._tell(at, (topic, payloads.product(item, image_url, at)))
        if first:
            self._tell_history(at, installed_at)

    def _tell_history(self, at: datetime, installed_at: datetime) -> None:
        for index, handles in enumerate(catalogue.PAST_BASKETS):
            placed = installed_at - timedelta(days=3 + 2 * index, hours=index % 7)
            customer = payloads.person(f"Earlier Guest {index + 1}", "en", placed)
            lines = [payloads.line(self.books.take_id(), catalogue.BY_HANDLE[handle], 1) for handle in handles]
            number, name = self.books.take_id(), f"#{900 + index}"
            past = payloads.order(number, name, customer, "en", lines, placed, newsletter=False,
                                  status_url=self._status_url(number))  # fmt: skip
            # Shopify tells of an order from before the installation when it changes: here it is archived today.
            past |= {"fulfillment_status": "fulfilled", "closed_at": payloads.iso(at), "updated_at": payloads.iso(at)}
            self._tell(at, ("orders/updated", past))

    # -- deeds --------------------------------------------------------------------------------------------------------

    def _place(self, deed: Deed, at: datetime) -> None:
        told, books = deed.details, self.books
        language = told["language"]
        customer = payloads.person(told["name"], language, at)
        known = any(order["customer"]["id"] == customer["id"] for order in books.orders)
        items = [catalogue.BY_HANDLE[handle] for handle in told["products"]]
        lines = [payloads.line(books.take_id(), item, 1) for item in items]
        order = payloads.order(
            deed.order_id, f"#{books.next_number}", customer, language, lines, at,
            newsletter=told["newsletter"], status_url=self._status_url(deed.order_id),
            note=TWO_PARCELS if told["parcels"] == "two" and len(lines) > 1 else None,
        )  # fmt: skip
        books.next_number += 1
        books.orders.append(order)
        self._note(order, at, "Order placed")
        news = [("orders/create", order), ("orders/paid", order)]
        self._tell(at, *(news if known else [("customers/create", customer), *news]))

    def _ship(self, order: Payload, told: dict[str, Any], at: datetime) -> None:
        """`parcels`: "one" (all that is left), "two" at once, or "half" (the other half later)."""
        open_lines = [line for line in order["line_items"] if line["fulfillable_quantity"]]
        if not open_lines:
            return
        half = (len(open_lines) + 1) // 2
        batches = [open_lines] if told["parcels"] == "one" else [open_lines[:half], open_lines[half:]]
        for index, batch in enumerate(filter(None, batches[:1] if told["parcels"] == "half" else batches)):
            # A number that the visitor typed is the first parcel's; a second parcel has its own.
            self._send_parcel(order, batch, told | {"number": None if index else told.get("number")}, at)

    def _send_parcel(self, order: Payload, lines: list[Payload], told: dict[str, Any], at: datetime) -> None:
        physical = any(line["requires_shipping"] for line in lines)
        number = None if told.get("late") or not physical else told.get("number") or self._tracking_number()
        parcel = payloads.fulfillment(self.books.take_id(), order, lines, at)
        parcel |= payloads.tracking(told.get("carrier") if physical else None, number, self.public_url)
        for line in lines:
            line |= {"fulfillment_status": "fulfilled", "fulfillable_quantity": 0}
        order["fulfillments"].append(parcel)
        complete = not any(line["fulfillable_quantity"] for line in order["line_items"])
        order["fulfillment_status"] = "fulfilled" if complete else "partial"
        self._touch(order, at)
        words = "(its number will follow)" if physical and not parcel["tracking_number"] else ""
        carrier = f"with {parcel['tracking_company']}" if parcel["tracking_company"] else "digitally"
        self._note(order, at, " ".join(filter(None, ("Parcel", parcel["name"], "sent", carrier, words))))
        whole = "orders/fulfilled" if complete else "orders/partially_fulfilled"
        self._tell(at, ("fulfillments/create", parcel), (whole, order), ("orders/updated", order))

    def _number(self, order: Payload, told: dict[str, Any], at: datetime) -> None:
        for parcel in self._parcels(order, told):
            if parcel["tracking_number"]:
                continue
            number = told.get("number") or self._tracking_number()
            parcel |= payloads.tracking(parcel["tracking_company"], number, self.public_url)
            parcel["updated_at"] = self._touch(order, at)
            self._note(order, at, f"Tracking number {number} added to parcel {parcel['name']}")
            self._tell(at, ("fulfillments/update", parcel), ("orders/updated", order))

    def _carrier(self, order: Payload, told: dict[str, Any], at: datetime) -> None:
        """The carrier's word on one parcel, or on all of them."""
        status = told["status"]
        for parcel in self._parcels(order, told):
            if parcel["shipment_status"] in ("delivered", status):
                continue
            parcel |= {"shipment_status": status, "updated_at": self._touch(order, at)}
            event = payloads.fulfillment_event(self.books.take_id(), parcel, status, at)
            self._note(order, at, f"{STATUSES[status]} (parcel {parcel['name']})")
            news = ("fulfillment_events/create", event), ("fulfillments/update", parcel), ("orders/updated", order)
            self._tell(at, *news)

    def _cancel(self, order: Payload, told: dict[str, Any], at: datetime) -> None:
        moment = self._touch(order, at)
        order |= {"cancelled_at": payloads.iso(at), "cancel_reason": "customer", "closed_at": moment}
        self._note(order, at, "Order cancelled")
        self._tell(at, ("orders/cancelled", order), ("orders/updated", order))

    def _refund(self, order: Payload, told: dict[str, Any], at: datetime) -> None:
        lines = [line for line in order["line_items"] if line["id"] == told["line_id"] and line["current_quantity"]]
        if not lines:
            return
        items = [(self.books.take_id(), dict(line)) for line in lines]
        refund = payloads.refund(self.books.take_id(), order, items, at)
        for line in lines:
            line |= {"current_quantity": 0, "fulfillable_quantity": 0}
        left = sum(int(line["price"]) * line["current_quantity"] for line in order["line_items"])
        fee = sum(int(way["price"]) for way in order["shipping_lines"]) if left else 0
        order |= {
            "current_total_price": str(left + fee), "current_total_price_set": payloads.money(left + fee),
            "financial_status": "partially_refunded" if left else "refunded",
        }  # fmt: skip
        order["refunds"].append(refund)
        self._touch(order, at)
        self._note(order, at, f"Refunded: {', '.join(line['title'] for line in lines)}")
        self._tell(at, ("refunds/create", refund), ("orders/updated", order))

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _parcels(self, order: Payload, told: dict[str, Any]) -> list[Payload]:
        wanted = told.get("parcel_id")
        return [parcel for parcel in order["fulfillments"] if wanted is None or parcel["id"] == wanted]

    def _tracking_number(self) -> str:
        return f"{self.books.take_id() % 10**12:012d}"

    def _status_url(self, order_id: int) -> str:
        key = uuid.uuid5(uuid.NAMESPACE_OID, str(order_id)).hex[:12]
        return f"{self.public_url}/demo/shop/orders/{order_id}?key={key}"

    def _touch(self, order: Payload, at: datetime) -> str:
        """The order's next version: later than its last, even while the visitor's clock stands still."""
        last = datetime.fromisoformat(order["updated_at"])
        order["updated_at"] = payloads.iso(max(at, last + timedelta(seconds=1)))
        return str(order["updated_at"])

    def _note(self, order: Payload, at: datetime, words: str) -> None:
        self.books.diary.setdefault(str(order["id"]), []).append([payloads.iso(at), words])

    def _tell(self, at: datetime, *news: tuple[str, Payload]) -> None:
        """Put one event's webhooks into the outbox, frozen as they are now."""
        event_id = str(uuid.uuid4())
        for topic, payload in news:
            body = json.dumps(payload, ensure_ascii=False)
            self.books.outbox.append(Hook(str(uuid.uuid4()), event_id, topic, payloads.iso(at), body))
