"""How often a long-lived process looks for garbage in cycles."""

from __future__ import annotations

import gc

YOUNG = 20_000  # objects more before the youngest are looked through; Python's own 700 are a part of one request


def settle() -> None:
    """Once everything is loaded. What is there now stays: the collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
