from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugin.domain.addresses import ascii_domain, masked, normalise_email, sendable

GOOD = {
    "mina@example.com": "mina@example.com",
    "  Mina.Kim+Shop@Example.COM\n": "mina.kim+shop@example.com",
    "o'neil@example.co.uk": "o'neil@example.co.uk",
    "a/b=c@sub.example.museum": "a/b=c@sub.example.museum",
    "jörg@example.de": "jörg@example.de",
    "JO\u0308RG@example.de": "jörg@example.de",
    "me@münchen.de": "me@xn--mnchen-3ya.de",
    "me@MÜNCHEN.de": "me@xn--mnchen-3ya.de",
    "me@straße.de": "me@xn--strae-oqa.de",
    "me@한국.kr": "me@xn--3e0b707e.kr",
    "me@例え。テスト": "me@xn--r8jz45g.xn--zckzah",
    "me@xn--mnchen-3ya.de": "me@xn--mnchen-3ya.de",
    "민아@한국.kr": "민아@xn--3e0b707e.kr",
}
BAD = [
    None, 7, "", " ", "@", "mina", "mina@", "@example.com", "mina@example", "mina@localhost", "a@b@example.com",
    "mi na@example.com", "mina@exa mple.com", "mina@example..com", ".mina@example.com", "mina.@example.com",
    "mi..na@example.com", "mina@-example.com", "mina@example-.com", "mina@exam_ple.com", "mina@example.com.",
    "mina@10.0.0.1", "mina@[10.0.0.1]", '"mi na"@example.com', "mina@example.com>", "<mina@example.com>",
    "mina@example.com\r\nBcc: eve@example.com", "mi\r\nna@example.com", "mi\x00na@example.com", "mi\x7fna@example.com",
    "mi\u200bna@example.com", "mi\u202ena@example.com", "mi\u00a0na@example.com", "mi\ud800na@example.com",
    "mina@exa\u200dmple.com", "mina@ex\u2100mple.com", "mina@☃.com", "\u0301mina@example.com",
    "mina,eve@example.com", "mina;eve@example.com", "x" * 65 + "@example.com", "é" * 33 + "@example.com",
    "x@" + "y" * 64 + ".com", "x@" + "y." * 130 + "com", "x" * 64 + "@" + ("y" * 62 + ".") * 3 + "com",
    "x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize(("raw", "key"), GOOD.items())
def test_an_address_is_one_key(raw: str, key: str) -> None:
    assert normalise_email(raw) == key


@pytest.mark.parametrize("raw", BAD, ids=range(len(BAD)))
def test_what_is_no_address_is_refused(raw: object) -> None:
    assert normalise_email(raw) is None
    assert sendable(raw) is None


def test_an_envelope_keeps_the_case_of_the_local_part() -> None:
    assert sendable("Mina.Kim@Example.COM") == "Mina.Kim@example.com"


def test_the_longest_address_is_taken() -> None:
    domain = ".".join(["y" * 61, "z" * 61, "w" * 61, "com"])
    assert len(f"{'x' * 64}@{domain}") == 254
    assert normalise_email(f"{'x' * 64}@{domain}") == f"{'x' * 64}@{domain}"
    assert normalise_email(f"{'x' * 64}@w{domain}") is None


def test_a_masked_address_shows_one_letter() -> None:
    assert masked("jane.doe@Example.com") == "j…@example.com"
    assert masked("j@example.com") == "j…@example.com"
    assert masked("not an address") == "…"
    assert masked(None) == "…"


words = st.text(min_size=1, max_size=20)
addresses = st.builds("{}@{}.com".format, words, words)


@given(st.text() | addresses)
@example("Σ@Σ.com")
@example("İ@İ.com")
def test_a_key_is_safe_and_stable(raw: str) -> None:
    key = normalise_email(raw)
    if key is None:
        return
    assert normalise_email(key) == key
    assert sendable(key) == key
    assert key.count("@") == 1
    assert len(key.encode()) <= 254
    assert key.isprintable()
    assert not set(key) & set(' \t\r\n<>,;:"()[]\\')
    assert key.rpartition("@")[2].isascii()
    assert normalise_email(f" {raw}\r\n") == key


@given(st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,2}@[a-z0-9]{1,10}\.[a-z]{2,6}", fullmatch=True))
def test_ordinary_addresses_pass_in_any_case(raw: str) -> None:
    assert normalise_email(raw) == raw
    assert normalise_email(raw.upper()) == raw


@given(st.text(max_size=30))
def test_a_domain_is_a_host_name_or_none(host: str) -> None:
    name = ascii_domain(host)
    assert name is None or (name.isascii() and name == name.lower() and ascii_domain(name) == name)
