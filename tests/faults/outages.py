"""What Dasi stands on goes away and comes back: Valkey, PostgreSQL. Nobody starts Dasi again."""

from __future__ import annotations

import time
from collections.abc import Callable

from redis import Redis

from tests.faults.audit import Findings
from tests.faults.kills import LAPSE, verdict
from tests.faults.parts import Time
from tests.faults.plant import Plant, Source
from tests.faults.sizes import Size

PAST_DAYS = 7.3  # so much of the replay has passed when it begins: a flood of webhooks, and much is due at once
ALL = ("web", "worker-1", "worker-2", "clock-1")


def begin(plant: Plant, size: Size, database_url: str | None = None) -> Source:
    """A plant with a replay under way."""
    plant.fresh(Time(time.time() - PAST_DAYS * 86400 / size.outage_speed, size.outage_speed), database_url)
    plant.lapse = LAPSE
    plant.mail_faults(slow_ms=20)
    plant.start(*ALL)
    source = plant.play(orders=size.outage_orders, days=1.0, until_days=size.outage_until, seed=size.seed)
    plant.live(60, source.ledger.exists)
    plant.live(1)
    return source


def finish(plant: Plant, size: Size, found: Findings, source: Source) -> None:
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    found.check(plant.settle(size.patience), "not everything was worked off")
    answer = plant.ready()
    found.check(bool(answer) and answer["status"] == "ok", f"/readyz says {answer} at the end")  # type: ignore[index]
    found.check(
        all(len(k.pids) == 1 and k.process.poll() is None for k in plant.kept.values()),
        f"processes died: { {k.name: k.deaths for k in plant.kept.values() if k.deaths} }",
    )
    summary = source.summary()
    found.figures |= {"orders": summary["orders"], "webhooks": summary["webhooks"], "answers": summary["statuses"],
                      "given up": summary["given_up"]}  # fmt: skip
    verdict(plant, found, source.accepted())


def spread(plant: Plant, size: Size, source: Source, times: int, act: Callable[[int], None]) -> None:
    """Do something so many times while the replay goes on."""
    for turn in range(times):
        act(turn)
        pause = (size.outage_until - PAST_DAYS) * 86400 / size.outage_speed / times - size.away
        plant.live(min(max(1.0, pause), 60.0), lambda: source.done)


def valkey(plant: Plant, size: Size) -> Findings:
    """FLUSHALL and SIGKILL in turns: webhooks are accepted all the same, and the clock finds what no nudge told of."""
    found, degraded = Findings("valkey"), 0
    source = begin(plant, size)

    def act(turn: int) -> None:
        nonlocal degraded
        if turn % 2 == 0:
            with Redis.from_url(plant.redis_url) as redis:
                redis.flushall()
            return
        plant.kill_valkey()
        plant.live(size.away / 2)
        answer = plant.ready()
        degraded += bool(answer) and answer["status"] == "degraded"  # type: ignore[index]
        plant.live(size.away / 2)
        plant.start_valkey()

    spread(plant, size, source, 2 * size.outages, act)
    found.check(degraded == size.outages, f"/readyz said degraded in {degraded} of {size.outages} absences")
    found.figures |= {"wiped": size.outages, "killed": size.outages}
    finish(plant, size, found, source)
    return found


def postgres(plant: Plant, size: Size) -> Findings:
    """Stopped, fast and immediate in turns, and started again: 503 meanwhile, so that the platform tries again."""
    found, honest = Findings("postgres"), 0
    source = begin(plant, size)

    def act(turn: int) -> None:
        nonlocal honest
        plant.cluster.stop(immediate=turn % 2 == 1)
        plant.live(size.away)
        honest += plant.ready() is None
        plant.cluster.start()

    spread(plant, size, source, size.outages, act)
    found.check(honest == size.outages, f"/readyz told the truth in {honest} of {size.outages} absences")
    found.figures |= {"stopped": size.outages}
    finish(plant, size, found, source)
    answers = found.figures["answers"]
    found.check(answers.get("503", 0) > 0, f"no webhook was answered 503: {answers}")
    found.check(not answers.get("500"), f"{answers.get('500')} webhooks were answered 500")
    return found
