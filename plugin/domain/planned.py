"""A message of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.domain.flows import STEPS, MessageClass, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One message of the plan. `due_at` is None unless the state is planned or held with a date.

    `subject`: the platform id of the order or parcel it is about. `copy`: 0, or n for the merchant's n-th "send again".
    """

    step: str
    subject: str
    state: State
    reason: str
    due_at: datetime | None = None
    copy: int = 0
    parcels: tuple[str, ...] = ()
    estimated: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        return self.step, self.subject, self.copy

    def in_state(self, state: State, reason: str, due_at: datetime | None = None) -> Planned:
        """The same message in another state, in a fraction of the time of `dataclasses.replace`."""
        return Planned(step=self.step, subject=self.subject, state=state, reason=reason, due_at=due_at, copy=self.copy,
                       parcels=self.parcels, estimated=self.estimated)  # fmt: skip

    @property
    def message_class(self) -> MessageClass:
        return STEPS[self.step].message_class
