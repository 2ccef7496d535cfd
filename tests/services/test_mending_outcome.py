"""What came of a mending: who bought again, beside those who had not complained; with few, it says so."""

from __future__ import annotations

import pytest

from plugin.domain.scores import difference
from plugin.services.context import Context
from plugin.services.mending_outcome import Group, MendingOutcome, _verdict, outcome
from tests.services.test_mendings import LATE, Shop
from tests.services.world import World


@pytest.fixture
def shop(context: Context) -> Shop:
    """Two who complained, two who did not; #1001's and #1003's customers buy again."""
    made = Shop(World(context))
    for number, words in ((1001, LATE), (1002, LATE), (1003, "Lovely"), (1004, "Lovely")):
        made.buys(number, number)
        made.world.send()
        made.says(words, number=number)
    return made


def came(shop: Shop, mending: int) -> MendingOutcome:
    with shop.ctx.database.reading() as session:
        return outcome(session, shop.world.now, shop.shop_id, mending)


def test_it_is_counted_when_the_days_are_over(shop: Shop) -> None:
    mending = shop.mends()
    assert came(shop, mending).verdict == "nobody"
    assert shop.tells() == ["c1001", "c1002"]
    found = came(shop, mending)
    assert (found.verdict, found.waiting, found.states["sent"]) == ("early", 2, 2)
    shop.world.later(days=10)
    shop.buys(1011, 1001)
    shop.buys(1013, 1003)
    shop.buys(1014, 1004, test=True)
    shop.world.later(days=51)
    shop.buys(1012, 1002)  # too late to count
    found = came(shop, mending)
    assert (found.told, found.others, found.waiting) == (Group(2, 1), Group(2, 1), 0)
    assert found.verdict == "few"


@pytest.mark.parametrize(("told", "others", "verdict"), [
    (Group(0, 0), Group(100, 50), "nobody"), (Group(29, 20), Group(500, 10), "few"),
    (Group(100, 30), Group(100, 28), "unclear"), (Group(200, 100), Group(200, 50), "more"),
    (Group(200, 50), Group(200, 100), "less"), (Group(100, 30), Group(0, 0), "few"),
])  # fmt: skip
def test_it_says_no_more_than_the_numbers_allow(told: Group, others: Group, verdict: str) -> None:
    assert _verdict(told, 0, others, difference(told.share, others.share)) == verdict
