"""Every message with sample values in both languages; `python -m plugin.content.preview OUTDIR` writes the files."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from plugin.content.model import (
    EarlyView,
    LineView,
    Links,
    MessageView,
    NoteView,
    OfferView,
    ParcelView,
    ProductView,
    QuoteView,
    ShopView,
)
from plugin.content.render import render
from schemas.events import Money

_IMAGES = "https://shop.example/images"
_APP = "https://dasi.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """What differs between a shop in Portland and one in Seoul."""

    locale: str
    timezone: str
    currency: str
    shop: ShopView
    first_name: str
    last_name: str
    titles: tuple[str, str, str]
    variants: tuple[str, str]
    prices: tuple[int, int, int]
    carrier: str
    suggested: tuple[tuple[str, int], ...]
    told: str
    mended: str
    asked: tuple[str, tuple[tuple[str, str], ...]]
    quote: QuoteView


_ENGLISH = _Sample(
    locale="en",
    timezone="America/Los_Angeles",
    currency="USD",
    shop=ShopView(
        name="Juniper & Oak",
        url="https://shop.example/",
        support_email="hello@shop.example",
        support_phone="+1 503 555 0134",
        support_hours="Mon–Fri, 9–17",
        help_url="https://shop.example/pages/help",
        legal_name="Juniper & Oak LLC",
        postal_address="12 Alder Street\nPortland, OR 97205\nUnited States",
    ),
    first_name="Anna",
    last_name="Berg",
    titles=("Linen apron", "Oak cutting board", "Stoneware mug"),
    variants=("Navy / One size", "Large"),
    prices=(4800, 6450, 1900),
    carrier="UPS",
    suggested=(("Linen tea towels, set of three", 2900), ("Beeswax board balm", 1400), ("Stoneware bowl", 2600)),
    told="Packaging",
    mended="Our parcels now come in a box of recycled card, with no plastic in it.",
    asked=("What brought you to us?", (("A friend told me", "o1"), ("I found you by searching", "o2"))),
    quote=QuoteView(words="Softer with every wash. I love them, and so does my mother.", stars=5, by="Claire",
                    on=datetime(2026, 10, 2, 9, 0, tzinfo=UTC)),
)
_KOREAN = _Sample(
    locale="ko-KR",
    timezone="Asia/Seoul",
    currency="KRW",
    shop=ShopView(
        name="오래된 숲",
        url="https://shop.example/",
        support_email="hello@shop.example",
        support_phone="02-555-0134",
        support_hours="평일 10시~17시",
        help_url="https://shop.example/pages/help",
        colour="#8a4b2d",
        legal_name="주식회사 오래된숲",
        postal_address="서울특별시 성동구 연무장길 12, 3층",
    ),
    first_name="민준",
    last_name="김",
    titles=("리넨 앞치마", "참나무 도마", "도자기 머그컵"),
    variants=("네이비 / 프리사이즈", "대"),
    prices=(52000, 78000, 24000),
    carrier="CJ대한통운",
    suggested=(("리넨 행주 3장 세트", 21000), ("밀랍 도마 왁스", 18000), ("도자기 대접", 32000)),
    told="포장",
    mended="이제 비닐 없이 재생 종이 상자로 포장해 보내 드립니다.",
    asked=("저희를 어떻게 알게 되셨나요?", (("지인 소개", "o1"), ("검색", "o2"))),
    quote=QuoteView(words="빨수록 부드러워져요. 어머니께도 선물해 드렸어요.", stars=5, by="서연",
                    on=datetime(2026, 10, 2, 9, 0, tzinfo=UTC)),
)


def samples() -> dict[str, MessageView]:
    """A view of every step and variant in each language, by a name such as `shipped-two_parcels.ko`."""
    return {
        f"{name}.{language}": view
        for language, sample in (("en", _ENGLISH), ("ko", _KOREAN))
        for name, view in _variants(sample).items()
    }


def _variants(sample: _Sample) -> dict[str, MessageView]:
    lines = _lines(sample)
    base = MessageView(
        step="thank_you",
        locale=sample.locale,
        timezone=sample.timezone,
        shop=sample.shop,
        order_name="#1001",
        placed_at=datetime(2026, 10, 27, 18, 30, tzinfo=UTC),
        first_name=sample.first_name,
        last_name=sample.last_name,
        lines=lines,
        total=Money(sum(line.quantity * line.price.minor for line in lines if line.price), sample.currency),
        status_url="https://shop.example/orders/1001?key=sample",
        window=(date(2026, 11, 3), date(2026, 11, 6)),
        enjoyed=sample.titles[0],
        links=Links(survey=f"{_APP}/s/sample", arrived=f"{_APP}/d/sample"),
    )
    products = _products(sample)
    parcel = ParcelView(
        name="#1001.1",
        carrier=sample.carrier,
        tracking_numbers=("1Z999AA10123456784",),
        tracking_urls=("https://carrier.example/track/1Z999AA10123456784",),
        lines=lines[:2],
    )
    other = replace(parcel, name="#1001.2", tracking_numbers=("1Z999AA10123456795",), lines=lines[2:])
    unnumbered = replace(parcel, tracking_numbers=(), tracking_urls=())
    shipped = replace(base, step="shipped", parcels=(parcel,))
    delivered = replace(base, step="delivered")
    said_no = replace(base.links, unsubscribe=f"{_APP}/u/sample")
    survey = replace(base, step="survey", links=said_no)
    cross_sell = replace(base, step="cross_sell", marketing=True, products=products, links=said_no)
    follow_up = replace(cross_sell, step="cross_sell_follow_up")
    unit = Money(sample.prices[2], sample.currency)
    until = datetime(2026, 12, 28, 14, 59, 59, tzinfo=UTC)
    offer = OfferView(kind="amount", amount=unit, minimum=Money(4 * unit.minor, sample.currency), days=30,
                      code="DS-7QK3M-XW4RT", expires_at=until, url=f"{_APP}/c/sample-offer")  # fmt: skip
    shipping = replace(offer, kind="free_shipping", amount=None, minimum=None)
    gift = replace(offer, minimum=None)
    early = EarlyView(None, f"{_APP}/c/sample-early")
    silent = tuple(replace(product, rating=None, rating_count=0, buyers=0) for product in products)
    many = tuple(replace(lines[0], title=f"{lines[0].title} {each + 1}", image_url=None) for each in range(200))
    return {
        "thank_you": base,
        "thank_you-hint": replace(base, products=products),
        "thank_you-digital": replace(base, digital=True, window=None),
        "thank_you-pickup": replace(base, pickup=True, window=None),
        "thank_you-bare": replace(base, first_name=None, last_name=None, status_url=None, window=None),
        "thank_you-200_lines": replace(base, lines=many),
        "thank_you-own_words": replace(
            base, subject="{{ name }} · {{ order_name }}", intro="<strong>{{ shop_name }}</strong>\n{{ order_name }} ♥"
        ),
        "shipped": shipped,
        "shipped-two_parcels": replace(shipped, parcels=(parcel, other)),
        "shipped-part": replace(shipped, more_parcels=True),
        "shipped-no_number": replace(shipped, parcels=(unnumbered,), window=None),
        "delivered": delivered,
        "delivered-estimated": replace(delivered, estimated=True),
        "delivered-digital": replace(delivered, digital=True),
        "delivered-pickup": replace(delivered, pickup=True),
        "survey": survey,
        "survey-promise": replace(survey, marketing=True, promise=offer),
        "survey_reward": replace(survey, step="survey_reward", offer=offer),
        "survey-choice": replace(survey, survey_question=sample.asked[0], survey_taps=sample.asked[1]),
        "survey-scale": replace(survey, survey_scale=True, survey_taps=tuple((str(n), str(n)) for n in range(11))),
        "cross_sell": cross_sell,
        "cross_sell-no_products": replace(cross_sell, products=()),
        "cross_sell-offer": replace(cross_sell, offer=offer),
        "cross_sell-percentage": replace(cross_sell, offer=replace(offer, kind="percentage", amount=None, percent=15)),
        "cross_sell-repeat": replace(cross_sell, offer=shipping, early=early),
        "cross_sell-check_in": replace(cross_sell, note=NoteView(None, sample.first_name)),
        "cross_sell-gift_card": replace(cross_sell, offer=replace(gift, kind="gift_card", code="DS7QK3MXW4RT6A")),
        "cross_sell-store_credit": replace(cross_sell, offer=replace(gift, kind="store_credit", code=None)),
        "cross_sell_follow_up": follow_up,
        "cross_sell_follow_up-offer": replace(follow_up, offer=offer),
        "cross_sell_follow_up-quoted": replace(
            follow_up, products=(replace(products[0], quote=sample.quote), *silent[1:])
        ),
        "cross_sell_follow_up-silent": replace(follow_up, products=silent),
        "cross_sell_follow_up-no_products": replace(follow_up, products=()),
        "you_told_us": replace(survey, step="you_told_us", told=sample.told, mended=sample.mended),
    }


def _lines(sample: _Sample) -> tuple[LineView, ...]:
    titles, variants, prices = sample.titles, (*sample.variants, None), sample.prices
    return tuple(
        LineView(
            title=titles[each],
            variant=variants[each],
            quantity=each + 1 if each else 1,
            price=Money(prices[each], sample.currency),
            image_url=f"{_IMAGES}/{each + 1}.png",
            how_to_url=f"https://shop.example/pages/care-{each + 1}" if each < 2 else None,
        )
        for each in range(3)
    )


def _products(sample: _Sample) -> tuple[ProductView, ...]:
    voices = ((4.7, 38, 112), (4.4, 9, 41), (None, 0, 17))
    return tuple(
        ProductView(
            title=title,
            url=f"{_APP}/c/sample-{each}",
            price=Money(price, sample.currency),
            image_url=f"{_IMAGES}/{each + 4}.png",
            rating=voices[each][0],
            rating_count=voices[each][1],
            buyers=voices[each][2],
        )
        for each, (title, price) in enumerate(sample.suggested)
    )


def write(folder: Path) -> int:
    """Writes each sample's HTML and text (its subject first) into `folder`, with an index; the number of messages."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for name, view in samples().items():
        message = render(view)
        (folder / f"{name}.html").write_text(message.html, encoding="utf-8")
        (folder / f"{name}.txt").write_text(f"{message.subject}\n\n{message.text}", encoding="utf-8")
        entries.append(f'<li><a href="{name}.html">{name}</a> · <a href="{name}.txt">text</a></li>')
    page = f'<!doctype html><meta charset="utf-8"><title>Messages</title><ul>{"".join(entries)}</ul>'
    (folder / "index.html").write_text(page, encoding="utf-8")
    return len(entries)


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m plugin.content.preview OUTDIR")
    sys.stdout.write(f"{write(Path(sys.argv[1]))} messages in {sys.argv[1]}\n")


if __name__ == "__main__":
    main()
