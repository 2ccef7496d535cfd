"""Recommendations judged on a real shop's year: one product of each later order hidden, and looked for.

Trained on the months to September 2011, tested on those after; the measures in `recommender/maths.py` were chosen on an
earlier split (to June, judged on July to September). Ours is the whole of it: rows in a database, the errand that
trains, and `recommend` as a message calls it. The others get the same order lines and the same baskets.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, ItemItemRecommender
from scipy import sparse

from plugin.clock import FixedClock
from plugin.config import Settings
from plugin.services.context import Context
from plugin.services.recommend import recommend
from plugin.store import migrate
from plugin.store.models.shops import Shop
from plugin.store.session import Database
from tests.benchmarks import retail
from tests.benchmarks.harness import Options, Result, progress
from tests.benchmarks.retail import Retail
from tests.support.fakes import RecordingQueues
from tests.support.training import learn

TITLE = "recommendations: one product of each order hidden, UCI's Online Retail"
BEGIN, CUT, END = (datetime(*day, tzinfo=UTC) for day in ((2010, 12, 1), (2011, 10, 1), (2012, 1, 1)))
SEED = 20111001
SHOWN, FAR = 4, 10

Suggest = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of the questions, and of the catalogue that was shown among the first four."""

    at_4: float
    at_10: float
    coverage: float


Question = tuple[list[str], str]  # what is left of a basket, and what was hidden


def questions(later: Retail, most: int | None = None) -> list[Question]:
    """One of each basket of at least two products; `most`: of a sample."""
    chance = random.Random(SEED)
    asked = []
    for basket in later.baskets:
        if len(basket.products) > 1:
            hidden = chance.choice(basket.products)
            asked.append(([one for one in basket.products if one != hidden], hidden))
    return asked if most is None or most >= len(asked) else random.Random(SEED).sample(asked, most)


def judge(suggest: Suggest, asked: Sequence[Question], products: int) -> Score:
    near = far = 0
    shown: set[str] = set()
    for left, hidden in asked:
        found = suggest(left)[:FAR]
        near, far = near + (hidden in found[:SHOWN]), far + (hidden in found)
        shown.update(found[:SHOWN])
    return Score(near / len(asked), far / len(asked), len(shown) / products)


@contextmanager
def ours(sold: Retail, catalogue: Sequence[Retail] = (), at: datetime = CUT) -> Iterator[Suggest]:
    """Our own, trained at that moment in a database of its own; `catalogue`: what is on sale besides."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/retail.db")
        migrate.upgrade(database)
        settings = Settings(
            database_url="sqlite://", redis_url="unix:///nowhere", data_dir=Path(folder), public_url="http://127.0.0.1",
            secret_key="s" * 48, encryption_keys=(),
        )  # fmt: skip
        ctx = Context(settings, database, FixedClock(at), RecordingQueues())
        shop_id = retail.open_shop(ctx, sold, catalogue)
        learn(ctx, shop_id)
        with database.reading() as session:
            shop = session.get_one(Shop, shop_id)

            def suggest(left: Sequence[str]) -> list[str]:
                found = recommend(session, shop, exclude=(), seeds=left, limit=FAR, rate=False)
                return [one.product_id for one in found]

            yield suggest
        database.dispose()


class Others:
    """What is commonly done, on the same lines."""

    def __init__(self, sold: Retail) -> None:
        self._products = sold.products
        self._number = {product: number for number, product in enumerate(self._products)}
        cells = [(row, self._number[one]) for row, basket in enumerate(sold.baskets) for one in basket.products]
        rows, columns = zip(*cells, strict=True)
        shape = len(sold.baskets), len(self._products)
        self._bought = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)

    def all(self) -> dict[str, Suggest]:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as implicit asks for
        return {
            "popularity": self._popularity(),
            "plain co-occurrence": self._fitted(ItemItemRecommender(K=len(self._products))),
            "implicit's cosine": self._fitted(CosineRecommender()),
            "implicit's BM25": self._fitted(BM25Recommender()),
            "implicit's ALS": self._fitted(AlternatingLeastSquares(random_state=1), recalculate_user=True),
        }

    def _popularity(self) -> Suggest:
        first = np.argsort(-np.asarray(self._bought.sum(axis=0)).ravel(), kind="stable")
        products = [self._products[number] for number in first[:500]]
        return lambda left: [one for one in products if one not in set(left)][:FAR]

    def _fitted(self, model: Any, **how: Any) -> Suggest:
        model.fit(self._bought, show_progress=False)

        def suggest(left: Sequence[str]) -> list[str]:
            numbers = sorted(self._number[one] for one in left if one in self._number)
            shape = 1, len(self._products)
            row = sparse.csr_matrix((np.ones(len(numbers)), ([0] * len(numbers), numbers)), shape=shape)
            found, scores = model.recommend(0, row, N=FAR, filter_already_liked_items=True, **how)
            return [
                self._products[number] for number, score in zip(found, scores, strict=True) if number >= 0 and score > 0
            ]

        return suggest


def run(options: Options) -> list[Result]:
    shared = Path(os.environ.get("DASI_SHARED", "../shared")).absolute()
    sold, later = retail.read(shared, BEGIN, CUT), retail.read(shared, CUT, END)
    asked = questions(later, 200 if options.short else None)
    with ours(sold) as suggest:
        mine = judge(suggest, asked, len(sold.products))
    progress(f"ours: {mine}")
    results = []
    for name, suggest in Others(sold).all().items():
        theirs = judge(suggest, asked, len(sold.products))
        progress(f"{name}: {theirs}")
        results += [_row(f"hit@4, {name}", mine.at_4, theirs.at_4), _row(f"hit@10, {name}", mine.at_10, theirs.at_10)]
        results.append(_row(f"coverage at 4, {name}", mine.coverage, theirs.coverage, judged=False))
    return [*results, *_of_new_products(sold, later, asked)]


def _of_new_products(sold: Retail, later: Retail, asked: Sequence[Question]) -> list[Result]:
    """Products that no order of the training had, known by their titles and prices alone."""
    old = set(sold.titles)
    hidden_new = [(left, hidden) for left, hidden in asked if hidden not in old]
    one_new = [([one], hidden) for left, hidden in asked for one in left[:1] if one not in old]
    with ours(sold, [later]) as suggest:
        found = judge(suggest, hidden_new, len(sold.products))
        beside = judge(suggest, one_new, len(sold.products))
        full = sum(len(suggest(left)) >= SHOWN for left, _ in one_new) / len(one_new)
    note = f"of {len(hidden_new):,} orders; the others cannot suggest it"
    alone = f"of {len(one_new):,} orders, of which only a product is known that was never sold before"
    return [
        Result("R", "hit@10 of a product never sold before", 100 * found.at_10, None, "%", note=note),
        Result("R", "four suggestions for one of these", 100 * full, None, "%", None, "100 %", full == 1, alone),
        Result("R", "their hit@10", 100 * beside.at_10, None, "%", note=alone),
    ]


def _row(what: str, mine: float, theirs: float, judged: bool = True) -> Result:
    reach, reached = ("≥ 1×", mine >= theirs) if judged else ("", None)
    return Result("R", what, 100 * mine, 100 * theirs, "%", mine / theirs if theirs else None, reach, reached)
