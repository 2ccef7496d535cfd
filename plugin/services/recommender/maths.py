"""Which products go together: weighted cosines of what was bought, with a little of how alike names are.

Pure numbers: order lines in, the best neighbours of each product out, some rows at a time, so that memory does not grow
with the square of the catalogue. The measures below were chosen on the months to June 2011 of a real shop, judged on
July to September (`tests/benchmarks/recommendations.py`; the months after it were looked at once).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

HALF_LIFE = 120.0  # days after which an order tells half as much
CROWD = 0.75  # an order of n products tells n ** -0.75 about each: a stock-up says little about what goes together
LONGEST = 100  # products; a longer order is a delivery to a warehouse, and its pairs would be most of the work
SHRINK = 0.1  # of an order's weight in doubt, so that one order of two rare products is no certainty
CHANCE, YOUNG = 1, 10  # one order together is chance, unless the product was bought so rarely
ALIKE = 0.2  # how much the same name says, against always being bought together
SHARPEN = 2.0  # one strong neighbour says more than many weak ones
NEIGHBOURS = 40
POPULAR_DAYS = 90.0  # before the newest order
MOST_POPULAR = 100
COMMON = 1000  # products with a word after which it says nothing

Numbers = NDArray[Any]
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Lines:
    """Order lines, one number for each: which order, which product (0 …), how many days ago, to which country (0 …)."""

    orders: Numbers
    products: Numbers
    days: Numbers
    countries: Numbers


def words_of(title: str, *more: str | None) -> set[str]:
    """What a product's name is compared by; `more`, e.g. its type and maker, each count as one word."""
    return set(_WORD.findall(title.casefold())) | {f"= {word}" for word in more if word}


def names(words: Sequence[set[str]]) -> Any:
    """Products × words, rare words weighing more, each row of length 1 (or 0). Shared by many, a word is left out."""
    numbers: dict[str, int] = {}
    rows, columns = [], []
    for row, theirs in enumerate(words):
        for word in sorted(theirs):
            rows.append(row)
            columns.append(numbers.setdefault(word, len(numbers)))
    having = np.bincount(np.array(columns, np.int64), minlength=len(numbers)) if numbers else np.zeros(0)
    with np.errstate(divide="ignore"):
        rare = np.where(having <= COMMON, np.log(len(words) / np.maximum(having, 1)), 0)
    shape = len(words), max(len(numbers), 1)
    matrix = sparse.csr_array((rare[columns] if numbers else [], (rows, columns)), shape=shape, dtype=np.float32)
    matrix.eliminate_zeros()
    length = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return (sparse.diags_array(1 / np.maximum(length, 1e-9), dtype=np.float32) @ matrix).tocsr()


class Affinities:
    """What `count` products have to do with each other."""

    def __init__(self, lines: Lines, words: Any, offered: Numbers) -> None:
        """`words`: as `names` makes them; `offered`: whether each product may be suggested at all."""
        count = len(offered)
        _, order = np.unique(lines.orders, return_inverse=True)
        size = np.bincount(order, minlength=1)[order]
        weight = np.exp2(-lines.days / HALF_LIFE) * size**-CROWD
        short = size <= LONGEST
        order, product, weight, size = order[short], lines.products[short], weight[short], size[short]
        shape = count, int(order.max(initial=-1)) + 1
        # Complex numbers carry two sums through one multiplication: the weights, and how many orders they are of.
        told = (weight + 1j).astype(np.complex64)
        self._bought = sparse.csr_array((np.ones(len(order), np.float32), (product, order)), shape=shape)
        self._told = sparse.csr_array((told, (order, product)), shape=shape[::-1])
        self._scale = 1 / np.sqrt(np.bincount(product, weight, count) + SHRINK)
        self.orders_with = np.bincount(product, minlength=count)
        self._words, self._words_across = words, words.T.tocsr()
        self._offered = offered
        sharing = np.bincount(words.indices, minlength=words.shape[1])
        self._effort = np.bincount(product, size, count)
        self._effort += np.add.reduceat(np.append(sharing[words.indices], 0), words.indptr[:-1]) * (
            np.diff(words.indptr) > 0
        )

    def end_of_block(self, begin: int, effort: float = 2e6) -> int:
        """How far to go from `begin` for about so many products of numbers: a moment's work, and memory for it."""
        done = np.cumsum(self._effort[begin:])
        return begin + max(1, int(np.searchsorted(done, effort)))

    def neighbours(self, begin: int, end: int) -> list[tuple[Numbers, Numbers, Numbers]]:
        """For each product from `begin` to before `end`: its neighbours, best first, their scores, and the orders that
        contain both."""
        together = (self._bought[begin:end] @ self._told).tocoo()
        row, column = together.row, together.col
        orders = together.data.imag
        cosine = together.data.real * self._scale[row + begin] * self._scale[column]
        cosine[(orders <= CHANCE) & (self.orders_with[row + begin] > YOUNG)] = 0
        bought = sparse.csr_array(((cosine + 1j * orders).astype(np.complex64), (row, column)), shape=together.shape)
        alike = (self._words[begin:end] @ self._words_across).tocsr()
        alike.data = ALIKE * alike.data**2
        return self._best(begin, (bought + alike.astype(np.complex64)).tocsr())

    def _best(self, begin: int, found: Any) -> list[tuple[Numbers, Numbers, Numbers]]:
        best = []
        for row, (start, stop) in enumerate(zip(found.indptr[:-1], found.indptr[1:], strict=True)):
            products, told = found.indices[start:stop], found.data[start:stop]
            good = (products != row + begin) & self._offered[products] & (told.real > 0)
            products, told = products[good], told[good]
            if len(products) > NEIGHBOURS:
                chosen = np.argpartition(-told.real, NEIGHBOURS)[:NEIGHBOURS]
                products, told = products[chosen], told[chosen]
            first = np.lexsort((products, -told.real))
            products, told = products[first], told[first]
            best.append((products, told.real**SHARPEN, told.imag.astype(np.int64)))
        return best


def popular(lines: Lines, offered: Numbers, country: int | None = None) -> tuple[Numbers, Numbers]:
    """The products that were in most orders lately, most first, and in how many; `country`: of those to there."""
    lately = lines.days <= (lines.days.min() if len(lines.days) else 0) + POPULAR_DAYS
    if country is not None:
        lately &= lines.countries == country
    orders = np.bincount(lines.products[lately], minlength=len(offered))
    orders[~offered] = 0
    first = np.lexsort((np.arange(len(orders)), -orders))[:MOST_POPULAR]
    first = first[orders[first] > 0]
    return first, orders[first]
