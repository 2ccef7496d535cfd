"""A run's findings as text and as the table in the documentation."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path

from tests.faults.audit import Findings
from tests.faults.sizes import Size

BEGIN, END = "<!-- figures of the last run: begin -->", "<!-- figures of the last run: end -->"


def lines(found: Findings) -> list[str]:
    verdict = f"skipped: {found.skipped}" if found.skipped else "NOT HELD" if found.offences else "held"
    figures = "; ".join(f"{name} {_figure(value)}" for name, value in found.figures.items())
    return [f"{found.name}: {verdict}", f"    {figures}", *(f"    OFFENCE {offence}" for offence in found.offences)]


def write(path: Path, all_found: list[Findings], size: Size) -> None:
    """Replace what stands between the two marks. Raises ValueError when they are not there."""
    head, begin, rest = path.read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the figures")
    path.write_text(head + BEGIN + "\n" + "\n".join(table(all_found, size)) + "\n" + END + tail)


def table(all_found: list[Findings], size: Size) -> list[str]:
    today = datetime.now(UTC)
    machine = f"{platform.machine()} with {cpu_count()} cores, Python {platform.python_version()}"
    rows = [
        f"Run of {today.day} {today:%B %Y}, size `{size.name}`, on {machine}.",
        "",
        "| scenario | verdict | figures |",
        "|---|---|---|",
    ]
    for found in all_found:
        verdict = f"skipped: {found.skipped}" if found.skipped else "**not held**" if found.offences else "held"
        figures = " · ".join(f"{name}: {_figure(value)}" for name, value in found.figures.items())
        rows.append(f"| {found.name} | {verdict} | {figures} |")
    return rows


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {count}" for name, count in value.items()) + ")"
    return f"{value:,}" if isinstance(value, int) else str(value)
