"""Business time. Every due date, staleness, quiet hour and cap reads this clock; leases, locks and limits never do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from plugin.config import ClockSetting


class Clock(Protocol):
    def now(self) -> datetime:
        """The moment in business time: aware, UTC."""
        ...


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class VirtualClock:
    """now = start + (real now - epoch) x speed; the same in every process."""

    setting: ClockSetting

    def now(self) -> datetime:
        start = self.setting.start.astimezone(UTC)
        return start + timedelta(seconds=(time.time() - self.setting.epoch) * self.setting.speed)


class RowClock:
    """The demo's clock: a row that one driver moves on and every process reads, at most every `keep` real seconds."""

    def __init__(self, read: Callable[[], datetime], keep: float = 0.05) -> None:
        self._read = read
        self._keep = keep
        self._value: datetime | None = None
        self._until = 0.0

    def now(self) -> datetime:
        if self._value is None or time.monotonic() >= self._until:
            self._value = self._read()
            self._until = time.monotonic() + self._keep
        return self._value


@dataclass(slots=True)
class FixedClock:
    """For tests and rehearsals: stands where it is put."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def move(self, delta: timedelta) -> datetime:
        self.moment += delta
        return self.moment


def from_setting(setting: ClockSetting | None) -> Clock:
    return VirtualClock(setting) if setting else RealClock()
