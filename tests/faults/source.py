"""The twin's replay with a record of every webhook that was answered 2xx. Run as a process, with the twin importable.

    python -m tests.faults.source '{"app_url": …, "folder": …, "orders": 150, …}'

Writes `ledger.jsonl` (as the replay does) and `accepted.txt` (webhook ids) into the folder; the last line of its output
is a JSON summary.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from twin import replay
from twin.clock import Clock
from twin.webhooks import Deliverer, Webhook


class Recorder(Deliverer):
    """Notes each accepted webhook before anything else can happen to us."""

    def __init__(self, *args: Any, accepted: Path, **options: Any) -> None:
        super().__init__(*args, **options)
        self.accepted = accepted.open("a", buffering=1)

    async def attempt(self, webhook: Webhook) -> bool:
        good = await super().attempt(webhook)
        if good:
            self.accepted.write(webhook.webhook_id + "\n")
        return good


def a_day_late(deliveries: list[Any], share: float, seed: int) -> list[Any]:
    """Some first deliveries come about a day later than what they tell of."""
    rng = random.Random(f"day late:{seed}")
    moved = [
        replace(d, at=d.webhook.triggered_at + timedelta(hours=rng.uniform(20, 28)), note="late")
        if d.note != "duplicate" and rng.random() < share
        else d
        for d in deliveries
    ]
    return sorted(moved, key=lambda d: (d.at, d.webhook.webhook_id))


def main(given: str) -> None:
    a = json.loads(given)
    folder, start = Path(a["folder"]), datetime.fromisoformat(a["clock_start"])
    clock = Clock(a["clock_epoch"], start, a["clock_speed"])
    lives = replay.make_lives(replay.DATA, a["orders"], a["seed"], a["shop"], start, a["days"])
    deliveries = replay.schedule(lives, a["seed"], a["duplicate"], a["shuffle"], 0.0)
    deliveries = a_day_late(deliveries, a["day_late"], a["seed"])
    written = folder / "ledger.part"
    replay.write_ledger(written, lives, deliveries)
    written.rename(folder / "ledger.jsonl")  # whole or not there
    until = start + timedelta(days=a["until_days"])
    deliveries = [d for d in deliveries if d.at <= until]
    deliverer = Recorder(
        a["app_url"], a["secret"], concurrency=8, speed=a["retry_speed"], accepted=folder / "accepted.txt"
    )
    asyncio.run(replay.play(deliveries, lives, clock, deliverer, None, lambda _: None))
    print(json.dumps({"orders": len(lives), "webhooks": len(deliveries)} | deliverer.stats.summary()))


if __name__ == "__main__":
    main(sys.argv[1])
