"""The fault suite: breaks a whole installation in every way that it must bear, and says what came of it.

    python -m tests.faults [--short|--full] [--write docs/reliability.md] [names]

Needs the shared folder (DASI_SHARED, default ../shared) and the extra `twin`. Exit code 0: every scenario held;
1: an offence; 2: some part did not run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import requests

from tests.faults import report
from tests.faults.audit import Findings
from tests.faults.plant import Plant
from tests.faults.scenarios import SCENARIOS
from tests.faults.sizes import FULL, MIDDLE, SHORT, Size
from tests.replay.servers import ROOT, Broken


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", action="store_const", dest="size", const=SHORT, help="about a minute and a half")
    size.add_argument("--full", action="store_const", dest="size", const=FULL, help="20,000 orders; hours")
    parser.set_defaults(size=MIDDLE)
    parser.add_argument("--orders", type=int, help="of the replay under kills and outages")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--write", type=Path, help="put the figures into this document")
    parser.add_argument("--folder", type=Path, help="for logs and data, kept; default a temporary one, kept on failure")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DASI_SHARED", ROOT.parent / "shared")))
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(SCENARIOS))
    args = parser.parse_args(argv)
    if unknown := set(args.names) - SCENARIOS.keys():
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return args


def play(names: list[str], size: Size, folder: Path, shared: Path) -> list[Findings]:
    """Raises Broken when a part did not start."""
    plant, all_found = Plant(folder, shared), []
    for number in (signal.SIGTERM, signal.SIGHUP):  # whoever ends us ends what we started, too
        signal.signal(number, lambda *_: sys.exit(2))
    try:
        plant.open()
        for name in names:
            began = time.monotonic()
            found = SCENARIOS[name](plant, size)
            found.figures["seconds"] = round(time.monotonic() - began)
            all_found.append(found)
            print("\n".join(report.lines(found)), flush=True)
    finally:
        plant.close()
    return all_found


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    changed = {name: value for name in ("orders", "kills") if (value := getattr(args, name)) is not None}
    size = Size(**(asdict(args.size) | changed))
    folder = args.folder or Path(tempfile.mkdtemp(prefix="dasi-faults-"))
    try:
        found = play(args.names or list(SCENARIOS), size, folder, args.shared)
    except (Broken, subprocess.SubprocessError, requests.RequestException) as exc:
        print(f"could not run: {exc}\nlogs in {folder}", file=sys.stderr)
        return 2
    (folder / "report.json").write_text(json.dumps([asdict(f) for f in found], indent=1, default=str))
    if args.write:
        report.write(args.write, found, size.name)
    good = not any(f.offences for f in found)
    print("all held" if good else f"NOT HELD; logs in {folder}")
    if good and not args.folder:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
