"""A run's findings as text and as rows of the table in the documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.faults.audit import Findings

BEGIN, END = "<!-- figures of the last run: begin -->", "<!-- figures of the last run: end -->"
HEAD = ["| scenario | run | verdict | figures |", "|---|---|---|---|"]


def lines(found: Findings) -> list[str]:
    return [
        f"{found.name}: {verdict(found)}",
        f"    {figures(found, '; ')}",
        *(f"    OFFENCE {offence}" for offence in found.offences),
    ]


def write(path: Path, all_found: list[Findings], size: str) -> None:
    """Put the rows of these scenarios between the two marks; those of others stay. Raises ValueError without marks."""
    head, begin, rest = path.read_text().partition(BEGIN)
    old, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the figures")
    rows = {row.split("|")[1].strip(): row for row in old.splitlines() if row.startswith("| ") and row != HEAD[0]}
    rows |= {found.name: line(found, size) for found in all_found}
    path.write_text(head + BEGIN + "\n" + "\n".join([*HEAD, *rows.values()]) + "\n" + END + tail)


def line(found: Findings, size: str) -> str:
    today = datetime.now(UTC)
    return f"| {found.name} | {size}, {today.day} {today:%B %Y} | {verdict(found)} | {figures(found, ' · ')} |"


def verdict(found: Findings) -> str:
    return f"skipped: {found.skipped}" if found.skipped else "NOT HELD" if found.offences else "held"


def figures(found: Findings, between: str) -> str:
    return between.join(f"{name}: {_figure(value)}" for name, value in found.figures.items())


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_figure(count)}" for name, count in value.items()) + ")"
    return f"{value:,}" if isinstance(value, int) else str(value)
