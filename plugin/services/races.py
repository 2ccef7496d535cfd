"""What may be tried again at once: transactions that only lost a race for locks, and records that must not be lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError

_LOST = frozenset({"40001", "40P01", "55P03"})  # PostgreSQL: serialization failure, deadlock, lock not available
_PAUSES = (0.1, 0.5, 2.0)  # real seconds

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")


def lost_a_race(exc: OperationalError) -> bool:
    """Whether the transaction was sacrificed to another one; the database itself is well."""
    return getattr(exc.orig, "sqlstate", None) in _LOST


def insisting(transaction: Callable[_Given, _Value]) -> Callable[_Given, _Value]:
    """For what must not be lost to a passing trouble of the database: three more tries, then OperationalError."""

    @wraps(transaction)
    def tried(*args: _Given.args, **kwargs: _Given.kwargs) -> _Value:
        for pause in _PAUSES:
            try:
                return transaction(*args, **kwargs)
            except OperationalError:
                time.sleep(pause)
        return transaction(*args, **kwargs)

    return tried
