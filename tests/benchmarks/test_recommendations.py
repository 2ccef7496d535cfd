"""On a real shop's year ours finds at least as many hidden products as the best of what is commonly done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import retail
from tests.benchmarks.recommendations import BEGIN, CUT, END, Others, judge, ours, questions


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")  # implicit's own
def test_ours_is_at_least_as_good_as_the_best_of_the_others(shared: Path) -> None:
    sold, later = retail.read(shared, BEGIN, CUT), retail.read(shared, CUT, END)
    asked = questions(later, 600)
    with ours(sold) as suggest:
        mine = judge(suggest, asked, len(sold.products))
    theirs = [judge(suggest, asked, len(sold.products)) for suggest in Others(sold).all().values()]
    best = max(theirs, key=lambda score: score.at_10)
    assert mine.at_10 >= best.at_10
    assert mine.at_4 >= max(score.at_4 for score in theirs)
    assert mine.coverage >= best.coverage  # not by suggesting to everybody what everybody buys
