"""How much of each scenario: a short form for every day, a middle one, the full one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Size:
    """Orders are placed over `days` virtual days, webhooks come until `until_days` after the start.

    `past_days`: how much of that has passed when it begins; those webhooks come in one flood.
    """

    name: str
    orders: int = 100
    days: float = 1.0
    until_days: float = 7.6
    past_days: float = 7.3
    speed: float = 2000.0
    lead: float = 0.0
    kills: int = 8
    poisoned: int = 40  # good orders among the poison
    outages: int = 2
    outage_orders: int = 80  # of the replay under outages, which begins with a flood
    outage_until: float = 7.5
    outage_speed: float = 1500.0
    away: float = 1.5  # seconds that an outage lasts
    messages: int = 100  # of the scenarios on mail
    silence: float = 5.0  # seconds
    naps: int = 2
    disorder_orders: int = 25
    disorder_days: float = 2.0
    disorder_until: float = 5.0
    disorder_speed: float = 12_000.0
    disorder_lead: float = 20.0
    seed: int = 7
    patience: float = 90.0

    @property
    def replay_seconds(self) -> float:
        """Real seconds from the beginning until the last webhook."""
        return (self.until_days - self.past_days) * 86400 / self.speed


SHORT = Size(name="short")
# fmt: off
MIDDLE = Size(
    name="middle", orders=2000, days=4.0, until_days=9.0, past_days=0.0, speed=1500.0, lead=20.0, kills=50,
    outages=10, outage_orders=400, outage_until=7.9, outage_speed=600.0, away=3.0,
    messages=600, silence=60.0, naps=10,
    disorder_orders=200, disorder_days=4.0, disorder_until=14.0, disorder_speed=5000.0, disorder_lead=30.0,
    patience=600.0,
)
FULL = Size(
    name="full", orders=20_000, days=10.0, until_days=20.0, past_days=0.0, speed=1000.0, lead=60.0, kills=50,
    outages=10, outage_orders=2000, outage_until=8.3, outage_speed=200.0, away=5.0,
    messages=2000, silence=60.0, naps=20,
    disorder_orders=2000, disorder_days=10.0, disorder_until=25.0, disorder_speed=2000.0, disorder_lead=60.0,
    patience=1800.0,
)
# fmt: on
