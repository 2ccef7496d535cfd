"""A small shop platform: things happen to orders, and each happening sends the webhooks that Shopify would send.

Shapes are those of Shopify's REST payloads (2026-10), reduced to what an app can rely on. Moments are whole seconds, so
that two snapshots of one second are common; only the header's moment tells then which is the newer.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Json = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Hook:
    """One webhook as it was triggered: topic, payload as of then, and the header's moment."""

    topic: str
    payload: Json
    triggered_at: datetime

    def __repr__(self) -> str:
        return f"<{self.topic} {self.payload.get('id', '')} {self.triggered_at:%d %b %H:%M:%S.%f}>"


@dataclass(repr=False)
class Platform:
    """The platform's own truth, and every webhook it sent, in order."""

    now: datetime = START
    hooks: list[Hook] = field(default_factory=list)
    orders: list[Json] = field(default_factory=list)
    merged: bool = False

    def __repr__(self) -> str:
        return f"<{len(self.hooks)} webhooks>"

    def wait(self, gap: timedelta) -> None:
        self.now += gap

    def tell(self, topic: str, payload: Json) -> None:
        triggered_at = self.now + timedelta(milliseconds=len(self.hooks) + 1)
        self.hooks.append(Hook(topic, copy.deepcopy(payload), triggered_at))

    # -- orders
    def place(self, customer: int, lines: list[tuple[int, bool]], *, accepts: bool, kind: str) -> Json:
        """`lines`: (quantity, whether it is shipped). `kind`: web, pos, pickup, test, nobody (no address)."""
        number = len(self.orders) + 1
        email = None if kind == "nobody" else f"buyer{customer}@example.com"
        order = {
            "id": 1000 + number, "admin_graphql_api_id": f"gid://shopify/Order/{1000 + number}",
            "name": f"#{1000 + number}", "order_number": 1000 + number,
            "created_at": self._text(), "processed_at": self._text(), "updated_at": self._text(),
            "cancelled_at": None, "cancel_reason": None, "currency": "GBP", "total_price": "25.00",
            "total_price_set": {"shop_money": {"amount": "25.00", "currency_code": "GBP"},
                                "presentment_money": {"amount": "25.00", "currency_code": "GBP"}},
            "email": email, "contact_email": email, "phone": None, "buyer_accepts_marketing": accepts,
            "customer_locale": "en-GB", "financial_status": "pending", "fulfillment_status": None,
            "test": kind == "test", "source_name": "pos" if kind == "pos" else "web",
            "order_status_url": f"https://shop.example.com/orders/{number}/authenticate?key=abc",
            "customer": self._customer(customer, email),
            "shipping_address": {"first_name": "Ada", "last_name": "Byron", "address1": "1 Mill Lane", "city": "Ely",
                                 "zip": "CB7 4AA", "country_code": "GB"},
            "billing_address": None,
            "line_items": [self._line(number, at, *line) for at, line in enumerate(lines)],
            "shipping_lines": [{"title": "Store pickup" if kind == "pickup" else "Standard", "code": "std"}],
            "fulfillments": [], "refunds": [],
        }  # fmt: skip
        self.orders.append(order)
        self.tell("orders/create", order)
        return order

    def pay(self, order: Json) -> None:
        order["financial_status"] = "paid"
        self._updated(order, "orders/paid")

    def rename(self, order: Json) -> None:
        order["shipping_address"] = {**order["shipping_address"], "city": f"Ely {len(self.hooks)}"}
        self._updated(order)

    def correct_address(self, order: Json) -> None:
        order["email"] = order["contact_email"] = f"corrected{order['id']}@example.com"
        self._updated(order)

    def cancel(self, order: Json) -> None:
        order["cancelled_at"], order["cancel_reason"] = self._text(), "customer"
        self._updated(order, "orders/cancelled")

    def delete(self, order: Json) -> None:
        self.tell("orders/delete", {"id": order["id"]})

    def refund(self, order: Json, line_at: int, quantity: int, *, all_money: bool) -> None:
        line = order["line_items"][line_at % len(order["line_items"])]
        quantity = min(quantity, line["current_quantity"])
        line["current_quantity"] -= quantity
        refund = {
            "id": 5000 + len(self.hooks), "order_id": order["id"], "created_at": self._text(),
            "processed_at": self._text(),
            "refund_line_items": [{"id": 1, "line_item_id": line["id"], "quantity": quantity}] if quantity else [],
        }  # fmt: skip
        order["refunds"].append(refund)
        order["financial_status"] = "refunded" if all_money else "partially_refunded"
        self.tell("refunds/create", refund)
        self._updated(order)

    def edit(self, order: Json, quantity: int) -> None:
        """A line more; the edit is told by itself, then with the whole order."""
        number, at = order["id"] - 1000, len(order["line_items"])
        line = self._line(number, at, quantity, True)
        order["line_items"].append(line)
        self._updated(order)
        self.tell("orders/edited", {"order_edit": {
            "id": 6000 + len(self.hooks), "order_id": order["id"], "committed_at": self._text(),
            "created_at": self._text(), "line_items": {"additions": [{"id": line["id"], "delta": quantity}],
                                                       "removals": []},
        }})  # fmt: skip

    # -- parcels
    def ship(self, order: Json, lines: list[int], *, number: bool) -> None:
        chosen = [order["line_items"][at % len(order["line_items"])] for at in dict.fromkeys(lines)]
        chosen = [line for at, line in enumerate(chosen) if line["current_quantity"] and line not in chosen[:at]]
        if not chosen:
            return
        at = len(order["fulfillments"]) + 1
        parcel_id = order["id"] * 10 + at
        parcel = {
            "id": parcel_id, "order_id": order["id"], "name": f"{order['name']}.{at}", "status": "success",
            "created_at": self._text(), "updated_at": self._text(), "shipment_status": None,
            # A carrier of its own: what is learned of one parcel must not reach another in these tests.
            "tracking_company": f"Carrier {parcel_id}", "tracking_number": None,
            "tracking_numbers": [f"T{parcel_id}"] if number else [], "tracking_urls": [],
            "line_items": [{"id": line["id"], "quantity": line["current_quantity"]} for line in chosen],
        }  # fmt: skip
        order["fulfillments"].append(parcel)
        order["fulfillment_status"] = "partial"
        self.tell("fulfillments/create", parcel)
        self._updated(order, "orders/partially_fulfilled")

    def number(self, parcel: Json) -> None:
        parcel["tracking_numbers"] = [f"T{parcel['id']}"]
        self._parcel_updated(parcel)

    def call_off(self, parcel: Json) -> None:
        parcel["status"] = "cancelled"
        self._parcel_updated(parcel)

    def track(self, parcel: Json, status: str) -> None:
        event = {
            "id": 7000 + len(self.hooks), "order_id": parcel["order_id"], "fulfillment_id": parcel["id"],
            "status": status, "happened_at": self._text(), "created_at": self._text(),
        }  # fmt: skip
        self.tell("fulfillment_events/create", event)
        parcel["shipment_status"] = status
        self._parcel_updated(parcel)

    # -- customers
    def consent(self, customer: int, state: str, *, timed: bool) -> None:
        self.tell("customers_email_marketing_consent/update", {
            "customer_id": 100 + customer, "email_address": f"Buyer{customer}@Example.com",
            "email_marketing_consent": {"state": state, "opt_in_level": "single_opt_in",
                                        "consent_updated_at": self._text() if timed else None},
        })  # fmt: skip

    def change_customer(self, customer: int) -> None:
        seen = self._customer(customer, f"buyer{customer}@example.com")
        self.tell("customers/update", {**seen, "last_name": f"Byron {len(self.hooks)}", "updated_at": self._text()})

    def merge(self) -> None:
        """The second customer becomes the first; the platform's later snapshots name the one that is kept."""
        if self.merged:
            return
        self.merged = True
        self.tell("customers/merge", {
            "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/101",
            "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/102", "status": "completed",
        })  # fmt: skip
        for order in self.orders:
            if order["customer"]["id"] == 102:
                order["customer"] = self._customer(1, order["email"])
                self._updated(order)

    # -- inside
    def _text(self) -> str:
        return self.now.astimezone(UTC).isoformat(timespec="seconds")

    def _updated(self, order: Json, topic: str | None = None) -> None:
        order["updated_at"] = self._text()
        if topic:
            self.tell(topic, order)
        self.tell("orders/updated", order)

    def _parcel_updated(self, parcel: Json) -> None:
        parcel["updated_at"] = self._text()
        self.tell("fulfillments/update", parcel)
        self._updated(next(order for order in self.orders if order["id"] == parcel["order_id"]))

    def _customer(self, customer: int, email: str | None) -> Json:
        customer = 1 if self.merged else customer
        return {"id": 100 + customer, "email": email, "first_name": "Ada", "last_name": "Byron", "phone": None,
                "updated_at": self._text()}  # fmt: skip

    def _line(self, number: int, at: int, quantity: int, shipped: bool) -> Json:
        return {
            "id": number * 100 + at, "title": f"Thing {at}", "quantity": quantity, "current_quantity": quantity,
            "requires_shipping": shipped, "product_id": 9000 + at, "variant_id": None, "price": "5.00",
            "gift_card": False,
        }  # fmt: skip
