"""The demo's shop: Ondo (온도, "warmth"), tea and ceramics from Seoul. Everything here is made up."""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "ondo-tea.myshopify.com"
NAME = "Ondo Tea & Ceramics"
STOREFRONT = "ondo-tea.example"
EMAIL = "hello@ondo-tea.example"
PHONE = "+82 2 555 0142"
HOURS = "Mon-Fri 10:00-18:00 KST"
LEGAL_NAME = "Ondo Co., Ltd."
POSTAL_ADDRESS = "12 Pirun-daero 5-gil, Jongno-gu, Seoul 03039, Republic of Korea"
COLOUR = "#2f5d50"
CURRENCY = "KRW"
TIMEZONE = "Asia/Seoul"
SHIPPING_FEE = 3_000  # won, for an order with anything to ship


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """One product; `price` in won. `how_to`: one plain paragraph each in English and Korean."""

    id: int
    handle: str
    title: str
    kind: str
    price: int
    how_to_en: str
    how_to_ko: str
    stock: int = 40
    digital: bool = False

    @property
    def variant_id(self) -> int:
        return self.id + 500_000

    @property
    def image(self) -> str:
        """The file name under the demo's static folder."""
        return f"products/{self.handle}.png"


PRODUCTS = (
    DemoProduct(
        7_410_001, "sejak-green-tea", "Jeju Sejak Green Tea", "Tea", 18_000,
        "Three grams to 150 ml of water at 70 °C, one minute. The second infusion needs only thirty seconds.",
        "70도로 식힌 물 150ml에 찻잎 3g을 넣고 1분간 우려 주세요. 두 번째 우림은 30초면 충분합니다.",
    ),
    DemoProduct(
        7_410_002, "hwangcha", "Hadong Hwangcha", "Tea", 22_000,
        "Four grams to 200 ml at 90 °C, two minutes. It stays mild even when you forget it.",
        "90도 물 200ml에 찻잎 4g을 넣고 2분간 우려 주세요. 조금 오래 두어도 떫지 않습니다.",
    ),
    DemoProduct(
        7_410_003, "buckwheat-tea", "Roasted Buckwheat Tea", "Tea", 11_000,
        "A spoonful to a mug of boiling water, five minutes. Eat the grains afterwards: they are good.",
        "끓는 물 한 잔에 한 숟가락을 넣고 5분간 우려 주세요. 남은 알곡도 고소하게 드실 수 있습니다.",
    ),
    DemoProduct(
        7_410_004, "yuja-preserve", "Goheung Yuja Preserve", "Tea", 16_000,
        "Two spoonfuls in a cup of hot water. Keep the open jar cold and finish it within six weeks.",
        "따뜻한 물 한 잔에 두 숟가락을 넣어 저어 드세요. 개봉 후에는 냉장 보관하고 6주 안에 드시길 권합니다.",
    ),
    DemoProduct(
        7_410_005, "moon-jar-mug", "Moon Jar Mug", "Ceramics", 32_000,
        "Dishwasher and microwave safe. Warm it with hot water first and the tea stays warm longer.",
        "식기세척기와 전자레인지에 사용하실 수 있습니다. 뜨거운 물로 한 번 데우면 차가 오래 따뜻합니다.",
    ),
    DemoProduct(
        7_410_006, "buncheong-bowl", "Buncheong Tea Bowl", "Ceramics", 45_000,
        "Soak it in warm water for ten minutes before the first use. Fine lines in the glaze are its nature.",
        "처음 사용하기 전 미지근한 물에 10분간 담가 주세요. 유약의 가는 금은 분청의 자연스러운 무늬입니다.",
    ),
    DemoProduct(
        7_410_007, "celadon-teapot", "Celadon Teapot", "Ceramics", 89_000,
        "Rinse with hot water only, no soap. Leave the lid off until it is quite dry.",
        "세제 없이 뜨거운 물로만 헹궈 주세요. 완전히 마를 때까지 뚜껑을 열어 두시면 좋습니다.",
    ),
    DemoProduct(
        7_410_008, "porcelain-cups", "White Porcelain Cups, Set of Two", "Ceramics", 38_000,
        "Stack them with a cloth between. Tea stains go with a little baking soda.",
        "겹쳐 두실 때는 사이에 천을 깔아 주세요. 찻물 자국은 베이킹 소다로 살살 닦으면 지워집니다.",
    ),
    DemoProduct(
        7_410_009, "onggi-canister", "Onggi Tea Canister", "Ceramics", 42_000,
        "The clay breathes: keep it dry, out of the sun, and away from spices.",
        "숨 쉬는 옹기입니다. 햇빛과 향이 강한 식품을 피해 마른 곳에 두세요.",
        stock=0,
    ),
    DemoProduct(
        7_410_010, "bamboo-scoop", "Damyang Bamboo Scoop", "Tools", 12_000,
        "One level scoop is three grams of leaf. Wipe it dry; do not wash it.",
        "한 번 평평하게 뜨면 찻잎 3g입니다. 물로 씻지 말고 마른 천으로 닦아 주세요.",
    ),
    DemoProduct(
        7_410_011, "linen-cloth", "Hansan Linen Tea Cloth", "Tools", 14_000,
        "Wash at 30 °C before the first use. It grows softer with every wash.",
        "처음 사용하기 전 30도 물에 세탁해 주세요. 빨수록 부드러워집니다.",
    ),
    DemoProduct(
        7_410_012, "walnut-tray", "Walnut Tea Tray", "Tools", 54_000,
        "Wipe with a damp cloth. A drop of walnut oil twice a year keeps its colour.",
        "젖은 천으로 닦아 주세요. 1년에 두 번 호두기름을 살짝 바르면 색이 오래갑니다.",
    ),
    DemoProduct(
        7_410_013, "brewing-guide", "Korean Tea at Home (PDF guide)", "Guides", 6_000,
        "Open it on any phone. The chart on page four fits on a kitchen cupboard.",
        "휴대폰에서 바로 열어 보실 수 있습니다. 4쪽의 표는 인쇄해서 주방에 붙여 두시면 편합니다.",
        digital=True,
    ),
)  # fmt: skip
BY_HANDLE = {product.handle: product for product in PRODUCTS}

CARRIERS = ("CJ Logistics", "Korea Post EMS", "DHL Express")

# Who plays in the stories: one after the other, so that no story's order ends another's suggestions.
PEOPLE = {
    "en": ("Emma Carter", "Noah Williams", "Olivia Brown", "Liam Murphy", "Sofia Rossi", "Jack Thompson"),
    "ko": ("김민지", "이서준", "박하은", "최도윤", "정수아", "강지호"),
}
ROMANISED = {"김민지": "minji.kim", "이서준": "seojun.lee", "박하은": "haeun.park", "최도윤": "doyun.choi",
             "정수아": "sua.jung", "강지호": "jiho.kang"}  # fmt: skip
ADDRESSES = {
    "en": {"address1": "48 Alder Street", "city": "Portland", "province": "Oregon", "zip": "97205",
           "country": "United States", "country_code": "US"},
    "ko": {"address1": "서울특별시 마포구 와우산로 29길 14", "city": "서울", "province": "서울특별시", "zip": "04053",
           "country": "South Korea", "country_code": "KR"},
}  # fmt: skip
LOCALES = {"en": "en-US", "ko": "ko-KR"}

# Baskets of the weeks before Dasi was installed: history, from which it learns what goes together.
PAST_BASKETS = (
    ("sejak-green-tea", "moon-jar-mug"), ("sejak-green-tea", "bamboo-scoop"),
    ("sejak-green-tea", "moon-jar-mug", "linen-cloth"), ("celadon-teapot", "porcelain-cups"),
    ("celadon-teapot", "porcelain-cups", "walnut-tray"), ("hwangcha", "porcelain-cups"),
    ("buckwheat-tea", "yuja-preserve"), ("buckwheat-tea", "yuja-preserve", "moon-jar-mug"),
    ("hwangcha", "bamboo-scoop"), ("buncheong-bowl", "bamboo-scoop", "sejak-green-tea"),
    ("walnut-tray", "porcelain-cups"), ("moon-jar-mug", "yuja-preserve"),
    ("sejak-green-tea", "buncheong-bowl"), ("hwangcha", "celadon-teapot"),
    ("moon-jar-mug", "linen-cloth"), ("sejak-green-tea", "brewing-guide"),
    ("celadon-teapot", "linen-cloth"), ("hwangcha", "sejak-green-tea", "moon-jar-mug"),
)  # fmt: skip
