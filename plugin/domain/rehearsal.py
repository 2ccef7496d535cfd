"""A rehearsal: what one customer would get, and the sums over many. Nothing here sends, stores or looks at a clock."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from plugin.domain.flows import STEPS, MessageClass
from plugin.domain.windows import capped_until, quiet_until
from schemas.settings import ShopSettings

SAMPLES = 5  # orders named for each thing worth a look
WEEK, MONTH = timedelta(days=7), timedelta(days=30)

# Why a message does not go, by how its reason begins. The order matters only where one beginning is another's.
_WHY = (
    ("no consent to marketing", "no_consent"),
    ("the customer unsubscribed", "unsubscribed"),
    ("no address to write to", "no_address"),
    ("a test order", "test"),
    ("the customer complained", "complained"),
    ("the address is dead", "dead"),
    ("this step is switched off", "off"),
    ("kept out, to see", "kept_out"),
    ("no cross-sell goes out", "no_cross_sell"),
    ("the customer bought again", "bought_again"),
    ("told with ", "joined"),
    ("the customer's data was erased", "erased"),
    ("the order was ", "ended"),
    ("the payment ", "ended"),
    ("this shipment was called off", "ended"),
    ("the customer says that it has not arrived", "missing"),
    ("the parcel was lost", "missing"),
    ("waits ", "waits"),
    ("the carrier's newest word", "waits"),
    ("the customer was not satisfied", "unhappy"),
    ("enough messages", "capped"),
)  # fmt: skip
WHY = (*dict.fromkeys(code for _, code in _WHY), "not_shipped")


@lru_cache(maxsize=1024)
def why(reason: str) -> str:
    """One of `WHY` for a message's reason; what is left are the orders of which nothing is shipped."""
    return next((code for begin, code in _WHY if reason.startswith(begin)), "not_shipped")


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that would leave. `order`: (row id, name) of its order."""

    step: str
    due_at: datetime
    order: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Sent:
    at: datetime
    mail: Mail


def leave(
    mails: Iterable[Mail],
    settings: ShopSettings,
    zone: ZoneInfo,
    follow: Callable[[Sent], Mail | None],
    *,
    capped: bool,
) -> tuple[list[Sent], list[Mail]]:
    """What one customer gets, in time, and what the cap holds back until it is too late.

    `follow` says what is planned from a message's leaving. `capped`: the cap knows customers only, not guests.
    """
    queue: list[tuple[datetime, int, int, Mail]] = []
    number = 0

    def add(mail: Mail, ready: datetime) -> None:
        nonlocal number
        number += 1
        heapq.heappush(queue, (ready, STEPS[mail.step].priority, number, mail))

    for mail in mails:
        add(mail, mail.due_at)
    bounded = settings.quiet_hours is not None or (capped and settings.cap is not None)
    sent: list[Sent] = []
    counted: list[datetime] = []
    dropped: list[Mail] = []
    while queue:
        ready, _, _, mail = heapq.heappop(queue)
        step = STEPS[mail.step]
        if bounded and step.message_class is not MessageClass.TRANSACTIONAL:
            until = quiet_until(ready, settings.quiet_hours, zone) if settings.quiet_hours else None
            if until is None and settings.cap and capped:
                until = capped_until(ready, settings.cap, counted)
            if until is not None:
                if until - mail.due_at > step.stale_after:
                    dropped.append(mail)
                else:
                    add(mail, until)
                continue
            counted.append(ready)
        gone = Sent(ready, mail)
        sent.append(gone)
        if (next_ := follow(gone)) is not None:
            add(next_, max(next_.due_at, ready))
    return sent, dropped


def most_within(moments: Sequence[datetime], span: timedelta) -> int:
    """The most of the (sorted) moments that fall into any span of this length."""
    if len(moments) < 2 or moments[-1] - moments[0] < span:
        return len(moments)
    best = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= span:
            first += 1
        if last - first >= best:
            best = last - first + 1
    return best


@dataclass
class Tally:
    """The sums. Of several tallies over different customers `add` makes one; `dump` and `load` carry it about."""

    orders: int = 0
    people: int = 0
    silent: int = 0  # people who would get nothing
    messages: Counter[tuple[str, date]] = field(default_factory=Counter)  # step, the shop's day
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)  # step, why -> messages
    orders_left_out: Counter[str] = field(default_factory=Counter)  # why -> orders with a message left out for it
    left_out_samples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # why -> orders
    most_in_7: tuple[int, int, str] = (0, 0, "")  # messages, an order of the customer's: row id, name
    most_in_30: tuple[int, int, str] = (0, 0, "")
    spread: Counter[int] = field(default_factory=Counter)  # most messages in any 30 days -> people
    collisions: Counter[str] = field(default_factory=Counter)  # steps joined by "+" -> days of customers
    collision_samples: list[tuple[int, str, str, str]] = field(default_factory=list)  # row id, name, day, steps

    @property
    def sent(self) -> int:
        return self.messages.total()

    def person(self, sent: Sequence[Sent], zone: ZoneInfo, shop_zone: ZoneInfo) -> None:
        """Count one customer's messages. Days of the shop for the calendar, the customer's own for collisions."""
        self.people += 1
        moments = [one.at for one in sent]
        in_7, in_30 = most_within(moments, WEEK), most_within(moments, MONTH)
        self.spread[in_30] += 1
        if not sent:
            self.silent += 1
            return
        some = sent[-1].mail.order
        self.most_in_7 = max(self.most_in_7, (in_7, *some))
        self.most_in_30 = max(self.most_in_30, (in_30, *some))
        days: defaultdict[date, list[Sent]] = defaultdict(list)
        for one in sent:
            day = one.at.astimezone(shop_zone).date()
            self.messages[one.mail.step, day] += 1
            days[day if zone is shop_zone else one.at.astimezone(zone).date()].append(one)
        for day, together in days.items():
            if len(together) > 1:
                steps = "+".join(sorted((s.mail.step for s in together), key=lambda step: STEPS[step].priority))
                self.collisions[steps] += 1
                order = together[-1].mail.order
                if len(self.collision_samples) < SAMPLES and order[0] not in {row[0] for row in self.collision_samples}:
                    self.collision_samples.append((*order, day.isoformat(), steps))

    def leave_out(self, order: tuple[int, str], reasons: Iterable[tuple[str, str]]) -> None:
        """Count an order's messages that do not go: (step, why)."""
        codes = set()
        for step, code in reasons:
            self.left_out[step, code] += 1
            codes.add(code)
        for code in codes:
            self.orders_left_out[code] += 1
            samples = self.left_out_samples.setdefault(code, [])
            if len(samples) < SAMPLES:
                samples.append(order)

    def add(self, other: Tally) -> None:
        self.orders += other.orders
        self.people += other.people
        self.silent += other.silent
        for name in ("messages", "left_out", "orders_left_out", "spread", "collisions"):
            getattr(self, name).update(getattr(other, name))
        self.most_in_7 = max(self.most_in_7, other.most_in_7)
        self.most_in_30 = max(self.most_in_30, other.most_in_30)
        for code, samples in other.left_out_samples.items():
            self.left_out_samples[code] = (self.left_out_samples.get(code, []) + samples)[:SAMPLES]
        self.collision_samples = (self.collision_samples + other.collision_samples)[:SAMPLES]

    def dump(self) -> dict[str, Any]:
        """As JSON: small, since it is sums only."""
        return {
            "n": [self.orders, self.people, self.silent],
            "messages": [[step, day.isoformat(), count] for (step, day), count in self.messages.items()],
            "left_out": [[*key, count] for key, count in self.left_out.items()],
            "orders_left_out": dict(self.orders_left_out),
            "left_out_samples": self.left_out_samples,
            "most": [self.most_in_7, self.most_in_30],
            "spread": list(self.spread.items()),
            "collisions": dict(self.collisions),
            "collision_samples": self.collision_samples,
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> Tally:
        """What `dump` gave. Raises KeyError, TypeError or ValueError for anything else."""
        orders, people, silent = data["n"]
        week, month = data["most"]
        return cls(
            orders=orders,
            people=people,
            silent=silent,
            messages=Counter({(step, date.fromisoformat(day)): count for step, day, count in data["messages"]}),
            left_out=Counter({(step, code): count for step, code, count in data["left_out"]}),
            orders_left_out=Counter(data["orders_left_out"]),
            left_out_samples={k: [(i, name) for i, name in v] for k, v in data["left_out_samples"].items()},
            most_in_7=(week[0], week[1], week[2]),
            most_in_30=(month[0], month[1], month[2]),
            spread=Counter(dict(data["spread"])),
            collisions=Counter(data["collisions"]),
            collision_samples=[(i, name, day, steps) for i, name, day, steps in data["collision_samples"]],
        )
