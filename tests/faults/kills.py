"""Any process dies by SIGKILL at any moment: nothing is lost, nothing leaves more often than the kills explain."""

from __future__ import annotations

import random
import time

from tests.faults import audit
from tests.faults.audit import Findings
from tests.faults.parts import Time
from tests.faults.plant import Plant
from tests.faults.sizes import Size

ALL = ("web", "worker-1", "worker-2", "clock-1", "clock-2")
LAPSE = 6.0  # seconds: a batch takes far less, so only the claims of the dead lapse
AIMED = 0.5  # so many of the workers' kills wait for a message to be on its way
SLOW_MS = 10  # a mail server takes its time, so that a kill may strike between a message and its answer
VICTIMS = ("web", "worker-1", "worker-2", "worker-1", "worker-2", "clock-1", "clock-2")  # workers hold the claims


def kills(plant: Plant, size: Size) -> Findings:
    """During a replay, any process is killed at random moments and started again."""
    found, rng = Findings("kills"), random.Random(size.seed)
    plant.fresh(Time(time.time() + size.lead - size.past_days * 86400 / size.speed, size.speed))
    plant.lapse = LAPSE
    plant.mail_faults(slow_ms=SLOW_MS)
    plant.start(*ALL)
    source = plant.play(orders=size.orders, days=size.days, until_days=size.until_days, seed=size.seed)
    plant.live(60, source.ledger.exists)
    plant.live(max(0.0, plant.clock.epoch - time.time()))
    seconds = size.replay_seconds
    moments = sorted(rng.uniform(0, seconds) for _ in range(size.kills))
    started, killed = time.monotonic(), dict.fromkeys(ALL, 0)
    for moment in moments:
        plant.live(max(0.0, started + moment - time.monotonic()))
        name = rng.choice(VICTIMS)
        plant.live(15, lambda name=name: plant.kept[name].process.poll() is None)  # type: ignore[misc]
        if name.startswith("worker") and rng.random() < AIMED:
            plant.live(2, lambda: plant.count("state = 'sending'") > 0, every=0.02)
        plant.kill(name)
        killed[name] += 1
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    plant.live(max(0.0, started + seconds - time.monotonic()))
    found.check(plant.settle(size.patience), "not everything was worked off")
    summary = source.summary()
    found.figures |= {"orders": summary["orders"], "webhooks": summary["webhooks"], "kills": size.kills,
                      "killed": killed, "answers": summary["statuses"], "given up": summary["given_up"]}  # fmt: skip
    verdict(plant, found, source.accepted(), at_most=killed["worker-1"] + killed["worker-2"])
    return found


def verdict(plant: Plant, found: Findings, accepted: set[str], at_most: int | None = None) -> None:
    """The whole audit, with the processes ended first so that nothing moves under it."""
    plant.stop()
    audit.webhooks(plant, found, accepted)
    audit.facts(plant, found, accepted)
    audit.messages(plant, found, at_most)
    audit.plans(plant, found)
