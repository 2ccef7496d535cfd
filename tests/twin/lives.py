"""Real baskets as orders of the twin's, through its own generator, in a process of its own (it needs polars)."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from typing import Any

from tests.replay.servers import clean_environment
from tests.twin.server import SHARED

_PROGRAM = """
import json, sys
from datetime import datetime
from twin.replay import DATA, TwinSeeder, make_lives
from twin.orders import product_payload
count, seed, shop, start, days = sys.argv[1:]
start = datetime.fromisoformat(start)
lives = make_lives(DATA, int(count), int(seed), shop, start, float(days))
people = {life.person.id: TwinSeeder.customer(life.person, start, life.person.consent_at_start) for life in lives}
products = {line[0]: product_payload(*line[:2], line[3]) for life in lives for line in life.basket.lines}
json.dump({"orders": [life.order for life in lives], "customers": list(people.values()),
           "products": list(products.values())}, sys.stdout)
"""


def records(count: int, shop: str, start: datetime, days: float, seed: int = 7) -> dict[str, list[dict[str, Any]]]:
    """Orders as they stand after their lives, their customers and products: ready to be seeded."""
    command = [sys.executable, "-c", _PROGRAM, str(count), str(seed), shop, start.isoformat(), str(days)]
    environ = clean_environment() | {"PYTHONPATH": str(SHARED)}
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True, timeout=120)
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found
