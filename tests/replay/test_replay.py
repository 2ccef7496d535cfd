"""The whole product against real orders, small: what `python -m tests.replay.run` does, over nineteen virtual days."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.replay import run

SHARED = Path(os.environ.get("DASI_SHARED", Path(__file__).parents[3] / "shared"))
MISSING = [name for name in ("aiohttp", "polars", "jwt", "tqdm") if not importlib.util.find_spec(name)]
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (SHARED / "twin").is_dir(), reason="DASI_SHARED holds no twin"),
    pytest.mark.skipif(bool(MISSING), reason=f"the extra `twin` is not installed: {MISSING}"),
    pytest.mark.alone,
]
# At this speed two real seconds are seventeen hours: well under the day after which a thank-you is stale.
SMALL = ["--orders", "60", "--days", "6", "--speed", "30000", "--cutoff-days", "18.5", "--seed", "7"]


def report_of(folder: Path, *options: str) -> dict[str, Any]:
    path = folder / "report.json"
    code = run.main([*options, "--shared", str(SHARED), "--folder", str(folder), "--report", str(path)])
    assert path.exists(), f"the replay could not run ({code}), logs in {folder}"
    report: dict[str, Any] = json.loads(path.read_text())
    assert code == (0 if report["clean"] else 1)
    return report


def test_a_small_replay_is_clean(tmp_path: Path) -> None:
    report = report_of(tmp_path, "--database", "sqlite", *SMALL)
    assert report["problems"] == []
    assert {kind: offences[:2] for kind, offences in report["offences"].items() if offences} == {}
    assert all(row["arrived"] > 0 for row in report["steps"]), "every step was seen"


def test_the_runner_finds_nothing_wrong_with_a_puppet(tmp_path: Path) -> None:
    """A stand-in that mails exactly what the oracle demands: so an offence above is the product's, not the runner's."""
    report = report_of(tmp_path, "--app", "puppet", "--orders", "30", "--days", "3", "--speed", "150000",
                       "--cutoff-days", "17", "--lead", "8", "--tolerance", "0.5", "--mixtures", "20")  # fmt: skip
    assert report["clean"], report["offences"]
    assert report["steps"][-1]["arrived"] > 40
