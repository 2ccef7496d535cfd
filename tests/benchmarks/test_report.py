"""The page of figures keeps what was not measured again, and the figures are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import report
from tests.benchmarks.harness import Options, Result, in_turns, percentile, ratio_of_medians
from tests.benchmarks.load import complete


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([3.0], 0.5) == 3.0
    assert percentile([1, 2], 0.0) == 1
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_order_of_the_variants_changes_every_round() -> None:
    seen: list[str] = []

    def variant(name: str, value: float) -> float:
        seen.append(name)
        return value

    measured = in_turns(3, {"a": lambda _: variant("a", 6), "b": lambda _: variant("b", 4)})
    assert "".join(seen) == "abbaab"
    assert ratio_of_medians(measured["a"], measured["b"]) == 1.5


def test_a_section_replaces_its_own_and_no_other(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    one = Result("P1", "grouped", 1500.0, 1000.0, "requests/s", 1.5, "≥ 1.5×", True, "as measured")
    report.write({"ingest": "## ingest: old\n", "accept": report.section("accept", "first", [one], Options())}, page)
    report.write({"ingest": "## ingest: new\n"}, page)
    text = page.read_text()
    assert "## ingest: new" in text
    assert "old" not in text
    assert "| P1 | grouped | 1,500 | 1,000 | requests/s | 1.50× | ≥ 1.5× | yes |" in text
    assert text.index("## accept") < text.index("## ingest")
    assert "- grouped: as measured" in text


def test_an_answer_is_whole_when_its_length_says_so() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    assert [complete(part) for part in (head[:9], head, head + b"o", head + b"ok")] == [None, None, None, "200"]
    with pytest.raises(RuntimeError, match="closed"):
        complete(b"")
