"""The scenarios by name."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.audit import Findings
from tests.faults.clocks import jumps, sleeper
from tests.faults.disks import disk_postgres, disk_sqlite
from tests.faults.disorder import disorder
from tests.faults.kills import kills
from tests.faults.letters import mail
from tests.faults.outages import postgres, valkey
from tests.faults.plant import Plant
from tests.faults.poison import poison
from tests.faults.sizes import Size

SCENARIOS: dict[str, Callable[[Plant, Size], Findings]] = {
    "kills": kills,
    "valkey": valkey,
    "postgres": postgres,
    "disk": disk_postgres,
    "disk-sqlite": disk_sqlite,
    "mail": mail,
    "disorder": disorder,
    "jumps": jumps,
    "sleeper": sleeper,
    "poison": poison,
}
