"""Intervals that hold what they promise: against known values, at the edges, and by drawing answers many times."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from plugin.domain.scores import csat, difference, nps, share


def test_wilson_by_the_book() -> None:
    found = share(15, 20)
    assert found is not None
    assert (round(found.value, 2), round(found.low, 3), round(found.high, 3)) == (0.75, 0.531, 0.888)


def test_nobody_is_no_number() -> None:
    assert share(0, 0) is None
    assert csat({}) is None
    assert nps({}) is None
    assert difference(None, share(1, 2)) is None


def test_csat_counts_fours_and_fives() -> None:
    found = csat({1: 1, 3: 1, 4: 1, 5: 1})
    assert found is not None
    assert (found.value, found.n, found.few) == (0.5, 4, True)


@pytest.mark.parametrize(("counts", "value"), [
    ({10: 5}, 100), ({0: 3}, -100), ({9: 2, 7: 1, 6: 1}, 25), ({8: 4}, 0), ({10: 1, 0: 1}, 0),
])  # fmt: skip
def test_nps_and_an_interval_around_it_that_never_vanishes(counts: dict[int, int], value: float) -> None:
    found = nps(counts)
    assert found is not None
    assert found.value == pytest.approx(value)
    assert -100 <= found.low <= found.value <= found.high <= 100
    assert found.high - found.low > 10  # so few answers say little


@pytest.mark.parametrize(("n", "chances"), [(20, (0.5, 0.3, 0.2)), (50, (0.7, 0.2, 0.1)), (400, (0.2, 0.2, 0.6))])
def test_the_nps_interval_holds_the_truth_about_as_often_as_it_says(n: int, chances: tuple[float, ...]) -> None:
    """Drawn 1,500 times from known chances of promoters, passives and detractors."""
    drawn, truth = random.Random(11), 100 * (chances[0] - chances[2])
    held = 0
    for _ in range(1_500):
        found = nps(Counter(drawn.choices((10, 8, 3), chances, k=n)))
        assert found is not None
        held += found.low <= truth <= found.high
    assert 0.925 < held / 1_500 < 0.985


def test_a_difference_of_shares_is_unsure_when_few_were_asked() -> None:
    few, many = difference(share(3, 10), share(2, 10)), difference(share(300, 1000), share(200, 1000))
    assert few is not None
    assert many is not None
    assert few[1] < 0 < few[2]
    assert many[0] == pytest.approx(0.1)
    assert 0.05 < many[1] < 0.1 < many[2] < 0.15
