"""The body of a message of each step as the benchmarks' calendar makes them, rendered once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

from plugin.content.model import LineView, Links, MessageView, ParcelView, ProductView, Rendered, ShopView
from plugin.content.render import render
from schemas.events import Money


@cache
def sample(step: str) -> Rendered:
    lines = (LineView(title="Green tea No. 1", quantity=1, variant="100 g", price=Money(901, "EUR")),)
    shop = ShopView(
        name="Haneul Tea", url="https://haneul.example", support_email="help@haneul.example",
        support_phone="+82 2 555 0100", legal_name="Haneul Tea Ltd", postal_address="12 Bukchon-ro, Seoul 03052",
    )  # fmt: skip
    products = tuple(
        ProductView(title=f"Green tea No. {key}", url=f"http://127.0.0.1:8000/c/{'x' * 90}{key}",
                    price=Money(900 + key, "EUR"), buyers=5)
        for key in range(4)
    )  # fmt: skip
    tokens = "http://127.0.0.1:8000/{}/" + "x" * 60
    return render(MessageView(
        step=step, locale="en", timezone="Europe/Berlin", shop=shop, order_name="#1001", first_name="Jane",
        placed_at=datetime(2026, 11, 2, tzinfo=UTC), last_name="Doe", lines=lines, total=Money(2500, "EUR"),
        status_url="https://haneul.example/orders/1/authenticate?key=0123456789",
        parcels=(ParcelView(name="#1001.1", carrier="DHL", tracking_numbers=("TRACK1",),
                            tracking_urls=("https://track.example/1",), lines=lines),)
        if step in ("shipped", "delivered") else (),
        window=(date(2026, 11, 5), date(2026, 11, 9)) if step in ("thank_you", "shipped") else None,
        products=products if step.startswith("cross_sell") else (), enjoyed="Green tea No. 1",
        links=Links(unsubscribe=tokens.format("u"), survey=tokens.format("s"), arrived=tokens.format("d")),
    ))  # fmt: skip
