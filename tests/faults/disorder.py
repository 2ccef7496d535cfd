"""Webhooks come twice, out of order and a day late; the oracle knows what that may change."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.faults import oracle
from tests.faults.audit import Findings
from tests.faults.kills import verdict
from tests.faults.parts import Time
from tests.faults.plant import Plant
from tests.faults.sizes import Size

TOLERANCE = 8.0  # real seconds that a message may take: the machine is shared


def disorder(plant: Plant, size: Size) -> Findings:
    """10 % doubled, 20 % late by hours, 2 % by a day: what leaves is what the oracle demands or allows, each once."""
    found = Findings("disorder")
    share = {"duplicate": 0.1, "shuffle": 0.2, "day_late": 0.02}
    size = replace(size, orders=size.disorder_orders, days=size.disorder_days, until_days=size.disorder_until)
    plant.fresh(Time(time.time() + size.disorder_lead, size.disorder_speed))
    plant.start("web", "worker-1", "worker-2", "clock-1", "clock-2")
    source = plant.play(orders=size.orders, days=size.days, until_days=size.until_days, seed=size.seed, **share)
    plant.live(60, source.ledger.exists)
    found.check(time.time() < plant.clock.epoch, "not ready before the first order: a longer lead is needed")
    end = plant.clock.epoch + size.until_days * 86400 / plant.clock.speed
    plant.live(max(0.0, end - time.time()))
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    found.check(plant.settle(size.patience), "not everything was worked off")
    summary = source.summary()
    found.figures |= {"orders": summary["orders"], "webhooks": summary["webhooks"]} | share
    oracle.compare(plant, found, size, tolerance=TOLERANCE, repeats=False)
    verdict(plant, found, source.accepted(), at_most=0)
    return found
