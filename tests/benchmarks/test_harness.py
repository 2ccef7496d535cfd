"""A benchmark that is told to end leaves nothing running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.replay.servers import ROOT

SCRIPT = """
import time
from tests.benchmarks.harness import stage
with stage() as ground:
    print(ground.folder, *(process.pid for name, process in ground.servers.running if name == "postgres"), flush=True)
    time.sleep(60)
"""


@pytest.mark.postgres
@pytest.mark.valkey
def test_sigterm_ends_the_stage(cluster: object, valkey_server: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        folder, pid = process.stdout.readline().split()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert not Path(folder).exists()
    end = time.monotonic() + 10
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.kill(int(pid), 0)
            time.sleep(0.1)
        pytest.fail("PostgreSQL still runs")
