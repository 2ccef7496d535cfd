"""Who buys in the shop of the pictures, and what: names, titles and words as long and as various as they come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    first: str
    last: str
    email: str
    locale: str
    country: str
    subscribed: bool = True

    @property
    def name(self) -> str:
        """As the language puts it: the family's name first in Korean."""
        return f"{self.last}{self.first}" if self.locale.startswith("ko") else f"{self.first} {self.last}"


PEOPLE = (
    Person(501, "민지", "김", "minji.kim@example.kr", "ko-KR", "KR"),
    Person(502, "Jane", "Doe", "jane.doe@example.com", "en", "GB"),
    Person(503, "Friederike-Annemarie", "Freifrau von Schwarzenberg-Hohenlohe",
           "friederike-annemarie.schwarzenberg-hohenlohe@donaudampfschifffahrtsgesellschaft.example", "de", "DE"),
    Person(504, "서연", "남궁", "seoyeon.namgung.2019@longmailprovider.example.kr", "ko", "KR", subscribed=False),
    Person(505, "Sofia", "Rossi", "sofia@example.it", "it", "IT", subscribed=False),
    Person(506, "하늘빛나래", "제갈", "haneulbitnarae@example.kr", "ko-KR", "KR"),
    Person(507, "Li", "O", "o@x.example", "en-US", "US"),
    Person(508, "Wolfgang", "Müller-Lüdenscheidt", "w.mueller-luedenscheidt@example.de", "de-DE", "DE"),
    Person(509, "지우", "박", "jiwoo@example.kr", "ko-KR", "KR"),
    Person(510, "Amélie", "d’Aubigné", "amelie@example.fr", "fr", "FR", subscribed=False),
)  # fmt: skip

# (title, variant, price in the shop's currency)
PRODUCTS = (
    ("First-flush green tea, 50 g", None, "19.00"),
    ("하동 야생 세작 녹차 선물세트 (대나무 다관·찻잔 2인 구성, 보자기 포장 포함)",
     "50g 틴케이스 / 보자기 포장", "68.00"),
    ("Celadon teapot “Moon over the Han River”, hand-thrown by Kim Sang-gon in Icheon, with strainer and lid",
     "Jade green / 450 ml", "148.00"),
    ("Linen cloth", None, "12.50"),
    ("Donaudampfschifffahrtsgesellschaftskapitänsteemischung", "100 g", "9.90"),
    ("유자청", "300g", "15.00"),
)  # fmt: skip

WORDS_LOW = (
    "찻잔 하나가 금이 간 채로 도착했습니다. 포장은 꼼꼼했는데 안쪽 완충재가 부족했던 것 같아요.\n"
    "선물할 거라 급한데 교환이 가능할까요?"
)
WORDS_LOW_EN = "One cup came broken, and nobody has answered the phone since.\nThe tea itself is lovely, though."
WORDS_MISSING = "문 앞에도 경비실에도 없어요. 옆집에도 물어봤는데 못 봤다고 합니다. 송장에는 배송 완료라고 나와요."
WORDS_MISSING_EN = (
    "It says “delivered” but it is not at the door, not at the neighbours’ and not in the parcel box. "
    "https://track.example/a-very-long-address-without-any-break-in-it/0034043400000000000000000000000000000000000000"
)
REPLY = (
    "불편을 드려 정말 죄송합니다. 새 찻잔을 오늘 바로 보내 드리겠습니다.\n"
    "깨진 잔은 돌려보내지 않으셔도 됩니다.\n하늘차 드림"
)
