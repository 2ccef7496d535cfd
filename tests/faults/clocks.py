"""Clocks jump, two of them run at once, and a worker sleeps through its own leases."""

from __future__ import annotations

import os
import signal
import time

from tests.faults import audit
from tests.faults.audit import Findings
from tests.faults.kills import verdict
from tests.faults.parts import Time
from tests.faults.plant import Plant
from tests.faults.sizes import Size

SPEED = 600.0
EXPIRE = """UPDATE messages SET lease_until = clock_timestamp() - interval '1 second'
WHERE state IN ('queued', 'sending')"""


def jumps(plant: Plant, size: Size) -> Findings:
    """Each process starts again with its clock an hour ahead or back, while two clocks run."""
    found = Findings("clock jumps")
    plant.fresh(Time(time.time() - 7.3 * 86400 / SPEED, SPEED))
    plant.start("web", "worker-1", "worker-2", "clock-1", "clock-2")
    source = plant.play(orders=size.messages, days=1.0, until_days=7.5, seed=size.seed, retry_speed=SPEED)
    turns = 0
    for ahead in (1, -1, 0):
        for name in ("worker-1", "clock-1", "web", "worker-2", "clock-2"):
            plant.stop(name)
            plant.start(name, **plant.clock.shifted(hours=ahead).environment())
            plant.live(0.5)
            turns += 1
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    found.check(plant.settle(size.patience), "not everything was worked off")
    found.figures |= {"processes restarted with another clock": turns}
    verdict(plant, found, source.accepted(), at_most=0)
    return found


def sleeper(plant: Plant, size: Size) -> Findings:
    """A worker stops in the middle of a batch, its claims are taken over, it wakes: it sends one message at most."""
    found = Findings("a worker asleep")
    past = 7.3 * 86400
    plant.fresh(Time(time.time() - past / SPEED, SPEED))
    plant.mail_faults(slow_ms=60)
    plant.start("web", "clock-1")
    source = plant.play(orders=size.messages, days=1.0, until_days=past / 86400, seed=size.seed, retry_speed=SPEED)
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    naps, on_its_way, others = 0, 0, 0
    for _ in range(size.naps):
        plant.start("worker-1")
        if not plant.live(30, lambda: plant.count("state = 'sending'") > 0, every=0.01):
            plant.stop("worker-1")
            break
        worker = plant.kept["worker-1"].process
        os.kill(worker.pid, signal.SIGSTOP)
        naps, on_its_way = naps + 1, on_its_way + plant.count("state = 'sending'")
        claimed = plant.count("state = 'queued'")
        plant.sql(EXPIRE)  # as after ten minutes
        plant.start("worker-2")
        plant.live(30, lambda: not plant.count("lease_until < clock_timestamp()"), every=0.05)
        plant.live(1)
        others += claimed
        os.kill(worker.pid, signal.SIGCONT)
        plant.live(2)
        plant.stop("worker-1", "worker-2")
    plant.start("worker-1", "worker-2")
    found.check(naps > 0, "no worker was ever seen sending")
    found.check(plant.settle(size.patience), "not everything was worked off")
    verdict(plant, found, source.accepted(), at_most=on_its_way)
    found.check(on_its_way <= naps, f"{on_its_way} messages were marked sending in {naps} naps")
    repeated = sum(len(each) - 1 for each in audit.arrivals(plant).values())
    found.figures |= {"naps": naps, "claims taken over": others, "sent by a waking worker": repeated}
    return found
