"""The app with its shops, served here; with the twin's admin beside it where pages are seen inside a frame."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from cryptography.fernet import Fernet
from werkzeug.serving import WSGIRequestHandler, make_server

from plugin.app import create_app_from
from plugin.clock import FixedClock
from plugin.config import Settings
from plugin.services.context import Context
from plugin.store.session import Database
from tests.looks import shop
from tests.replay.servers import ROOT, free_port
from tests.support import postgres
from tests.support.fakes import RecordingQueues

KEY, SECRET = "looks-key", "a-shopify-secret-of-the-looks-000000"


@dataclass(frozen=True, slots=True)
class House:
    """`twin`: the admin's address, None when there is no frame."""

    ctx: Context
    base: str
    twin: str | None


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


@contextmanager
def house(folder: Path, framed: bool) -> Iterator[House]:
    """Fill a new database and serve it. Ends everything it started."""
    port, twin_port = free_port(), free_port()
    base, twin = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{twin_port}"
    settings = Settings(
        database_url=f"sqlite:///{folder / 'dasi.db'}", redis_url="unix:///nowhere", data_dir=folder, public_url=base,
        secret_key="a secret of the looks, long enough to sign with", encryption_keys=(Fernet.generate_key().decode(),),
        shopify_api_key=KEY, shopify_api_secret=SECRET, shopify_admin_url=twin if framed else None,
    )  # fmt: skip
    postgres.make_tables(settings.database_url)
    ctx = Context(settings, Database(settings.database_url), FixedClock(shop.BEGAN), RecordingQueues())
    shop.fill(ctx)
    server = make_server("127.0.0.1", port, create_app_from(ctx), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    process = _twin(twin_port, base) if framed else None
    try:
        yield House(ctx, base, twin if process else None)
    finally:
        if process:
            process.terminate()
            process.wait(10)
        server.shutdown()
        thread.join()
        server.server_close()
        ctx.database.dispose()


def _twin(port: int, base: str) -> subprocess.Popen[bytes]:
    shared = Path(os.environ.get("DASI_SHARED", ROOT.parent / "shared")).absolute()
    if not (shared / "twin").is_dir():
        raise SystemExit(f"no twin in {shared}: set DASI_SHARED")
    command = [sys.executable, "-m", "twin.shopify", "--port", str(port), "--client-id", KEY, "--secret", SECRET,
               "--app-url", base, "--shop", shop.BUSY, "--shop", shop.FIGURES, "--shop", shop.NEW]  # fmt: skip
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SHOPIFY_", "CLOCK_"))}
    process = subprocess.Popen(command, cwd=shared, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"http://127.0.0.1:{port}/_twin/app-bridge.js", timeout=1).ok:
                return process
        except requests.ConnectionError:
            time.sleep(0.1)
    process.kill()
    raise SystemExit("the twin does not answer")


def chromium() -> str:
    found = next((path for name in ("chromium", "chromium-browser", "google-chrome")
                  if (path := shutil.which(name))), None)  # fmt: skip
    if found is None:
        raise SystemExit("no Chromium here: install chromium or google-chrome")
    return found
