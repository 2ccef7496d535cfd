"""The small parts below everything: clock, vault, tokens, queues, logs."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from plugin.clock import FixedClock, RealClock, RowClock, VirtualClock, from_setting
from plugin.config import ClockSetting, ConfigError
from plugin.logs import JsonFormatter
from plugin.queues import INGEST, NUDGE_SECONDS, Queues
from plugin.secrets import Undecryptable, Vault, fingerprint
from plugin.tokens import ARRIVAL, CLICK, SURVEY, UNSUBSCRIBE, BadToken, Tokens

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


# -- the clock --------------------------------------------------------------------------------------------------------
def test_a_virtual_clock_runs_so_many_times_as_fast() -> None:
    clock = VirtualClock(ClockSetting(time.time() - 10, START, 3600))
    assert timedelta(hours=10) <= clock.now() - START < timedelta(hours=10, minutes=5)
    assert clock.now().tzinfo is UTC
    assert isinstance(from_setting(None), RealClock)
    assert abs(RealClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_row_clock_asks_at_most_so_often() -> None:
    asked: list[datetime] = []

    def read() -> datetime:
        asked.append(START + timedelta(hours=len(asked)))
        return asked[-1]

    clock = RowClock(read, keep=60)
    assert clock.now() == clock.now() == START
    assert len(asked) == 1
    eager = RowClock(read, keep=0)
    assert eager.now() < eager.now()


def test_a_fixed_clock_moves_when_told() -> None:
    clock = FixedClock(START)
    assert clock.move(timedelta(days=1)) == clock.now() == START + timedelta(days=1)


# -- the vault --------------------------------------------------------------------------------------------------------
def test_a_rotation_of_keys() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed, sealed_bytes = Vault((old,)).seal("비밀"), Vault((old,)).seal_bytes(b"\xff" * 5000)
    both = Vault((new, old))
    assert both.open(sealed) == "비밀"
    assert both.open_bytes(sealed_bytes) == b"\xff" * 5000
    assert len(sealed_bytes) < 1000
    assert Vault((new,)).open(both.seal("x")) == "x"
    for broken in (lambda: Vault((new,)).open(sealed), lambda: Vault((new,)).open_bytes(sealed_bytes),
                   lambda: both.open("not ours")):  # fmt: skip
        with pytest.raises(Undecryptable):
            broken()


def test_a_key_that_is_none() -> None:
    with pytest.raises(ConfigError, match="ENCRYPTION_KEYS"):
        Vault(("short",))


def test_fingerprints_are_keyed_and_their_parts_apart() -> None:
    assert fingerprint("k", "a", "bc") == fingerprint("k", "a", "bc")
    assert len({fingerprint("k", "a", "bc"), fingerprint("k", "ab", "c"), fingerprint("l", "a", "bc")}) == 3


# -- tokens -----------------------------------------------------------------------------------------------------------
def test_tokens_say_what_they_were_made_of_to_their_own_page_only() -> None:
    tokens = Tokens("a secret")
    for purpose in (UNSUBSCRIBE, SURVEY, ARRIVAL, CLICK):
        token = tokens.make(purpose, 17, "9001")
        assert tokens.read(purpose, token) == [17, "9001"]
        assert token.isascii()
        assert "/" not in token
        for other in {UNSUBSCRIBE, SURVEY, ARRIVAL, CLICK} - {purpose}:
            with pytest.raises(BadToken):
                tokens.read(other, token)
        with pytest.raises(BadToken):
            Tokens("another").read(purpose, token)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: "A" + t, lambda t: "", lambda t: "한글", lambda t: t * 200]
)
def test_an_altered_token_is_refused(change: object) -> None:
    tokens = Tokens("a secret")
    assert callable(change)
    with pytest.raises(BadToken):
        tokens.read(SURVEY, change(tokens.make(SURVEY, 17)))


# -- queues -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def silent_server() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.mark.alone
def test_a_nudge_waits_for_nobody(silent_server: str, tmp_path: Path) -> None:
    for url in (silent_server, "redis://127.0.0.1:1/0", f"unix://{tmp_path}/none"):
        queues = Queues(url)
        begun = time.monotonic()
        assert queues.nudge(INGEST) is False
        assert time.monotonic() - begun < 5 * NUDGE_SECONDS
        assert not queues.alive()


# -- logs -------------------------------------------------------------------------------------------------------------
def test_a_line_of_the_log_names_the_fault_and_never_quotes_it() -> None:
    try:
        raise ValueError("jane@example.com")
    except ValueError:
        record = logging.LogRecord("dasi", logging.ERROR, __file__, 1, "it_failed", (), sys.exc_info())
    record.order = 17
    line = json.loads(JsonFormatter().format(record))
    assert (line["event"], line["order"], line["error"]) == ("it_failed", 17, "ValueError")
    assert line["where"].startswith("test_parts.py:")
    assert "jane" not in json.dumps(line)


def test_threads_share_a_row_clock() -> None:
    clock = RowClock(lambda: START, keep=0)
    seen: list[datetime] = []
    threads = [threading.Thread(target=lambda: seen.extend(clock.now() for _ in range(200))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {START}
