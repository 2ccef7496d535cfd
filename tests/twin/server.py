"""The twin's Shopify in a process of its own, and what a test does to it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from tests.replay.servers import clean_environment, free_port

SHARED = Path(os.environ.get("DASI_SHARED", Path(__file__).parents[3] / "shared")).absolute()
MISSING = [name for name in ("aiohttp", "polars", "jwt", "tqdm") if not importlib.util.find_spec(name)]
NEEDS = (
    "DASI_SHARED holds no twin" if not (SHARED / "twin").is_dir()
    else f"the extra `twin` is not installed: {MISSING}" if MISSING else ""
)  # fmt: skip
KEY, SECRET = "test-key", "a-shopify-secret-of-the-tests-000"


class Twin:
    """Answers at `url` for its shops, once `start` returned."""

    def __init__(self, shops: list[str], folder: Path, *options: object) -> None:
        self.shops, self.port = shops, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"twin-{self.port}.log"
        self._options = [str(option) for option in options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Twin:
        named = [part for shop in self.shops for part in ("--shop", shop)]
        command = [sys.executable, "-m", "twin.shopify", "--port", str(self.port), "--client-id", KEY,
                   "--secret", SECRET, *named, *self._options]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=clean_environment() | {"PYTHONPATH": str(SHARED)}, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/_twin/calls", timeout=5).ok:
                    return self
            time.sleep(0.1)
        raise AssertionError(f"the twin did not start: {self._log.read_text()[-800:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def session_token(self, shop: str | None = None, **bad: int) -> str:
        """A fresh one of App Bridge; `bad`: expired=1, wrong_aud=1 or wrong_secret=1."""
        found = requests.get(f"{self.url}/_twin/session-token", {"shop": shop or self.shops[0], **bad}, timeout=20)
        return str(found.json()["token"])

    def seed(self, shop: str | None = None, **records: list[dict[str, Any]]) -> dict[str, int]:
        params = {"shop": shop or self.shops[0]}
        answer = requests.post(f"{self.url}/_twin/seed", params=params, json=records, timeout=60)
        assert answer.ok, answer.text
        found: dict[str, int] = answer.json()
        return found

    def faults(self, **faults: float) -> None:
        """throttle, http500: shares of the calls; slow_ms. What is left out is off."""
        requests.put(f"{self.url}/_twin/faults", json=faults, timeout=20).raise_for_status()

    def calls(self, operation: str | None = None) -> list[dict[str, Any]]:
        wanted: dict[str, Any] = {"limit": 100_000} | ({"operation": operation} if operation else {})
        found: list[dict[str, Any]] = requests.get(f"{self.url}/_twin/calls", wanted, timeout=60).json()["calls"]
        return found

    def forget_calls(self) -> None:
        requests.delete(f"{self.url}/_twin/calls", timeout=20)
