"""The mail server answers 451, drops connections, and falls silent: backoff, no pile-up, every outcome on record."""

from __future__ import annotations

import time

from tests.faults import audit
from tests.faults.audit import Findings
from tests.faults.kills import verdict
from tests.faults.parts import Time
from tests.faults.plant import Plant
from tests.faults.sizes import Size

SPEED = 600.0
WORKERS = ("worker-1", "worker-2")
# A silent server is asked again by each worker at most so often: first connection, then at its time limits and pauses.
AT_FIRST, EVERY = 4, 5.0


def mail(plant: Plant, size: Size) -> Findings:
    """5 % 451, 2 % dropped before acceptance, 1 % dropped after it; then silence, and all is well again."""
    found = Findings("mail server")
    past = 7.3 * 86400
    plant.fresh(Time(time.time() - past / SPEED, SPEED))
    plant.mail_faults(greylist=0.05, drop_before=0.02, drop_after=0.01, slow_ms=30, seed=size.seed)
    plant.start("web", "clock-1")
    source = plant.play(
        orders=size.messages, days=1.0, until_days=past / 86400, retry_speed=SPEED, seed=size.seed, duplicate=0.0
    )
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    accepted = source.accepted()
    plant.start(*WORKERS)
    found.check(plant.live(size.patience, lambda: plant.count("state = 'sent'") > 10, every=0.02), "nothing leaves")
    before = time.monotonic()
    plant.gate.silent = True
    plant.live(size.silence / 3)
    plant.gate.cut()
    plant.live(size.silence * 2 / 3)
    during = plant.gate.since(before)
    found.check(plant.ready() is not None, "the web does not answer while the mail server is silent")
    plant.gate.speak()
    most = len(WORKERS) * (AT_FIRST + size.silence / EVERY)
    found.check(during <= most, f"{during} connections in {size.silence:.0f} s of silence, {most:.0f} are plenty")
    found.check(plant.settle(size.patience), "not everything was worked off")
    verdict(plant, found, accepted)
    tries = plant.sql("SELECT coalesce(sum(attempts), 0) AS n, count(*) AS rows FROM messages WHERE attempts > 0")[0]
    found.check(tries["n"] <= 1.5 * tries["rows"] + 20, f"{tries['n']} tries for {tries['rows']} messages")
    found.figures |= {
        "tries": int(tries["n"]),
        "of messages": tries["rows"],
        "seconds of silence": size.silence,
        "connections meanwhile": during,
        "connections in all": plant.gate.since(0.0),
        "times the circuit opened": len(plant.logged("channel_down", *WORKERS)),
    }
    found.check(found.figures["connections meanwhile"] > 0, "the silence was not noticed")
    found.check(len(audit.unknown_outcomes(plant)) > 0, "no outcome was unknown: the faults were not tried")
    return found
