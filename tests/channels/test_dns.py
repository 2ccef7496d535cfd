"""TXT records from a name server of this machine's own: found, empty, not there, and one that says nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from plugin.channels.email.dns import SECONDS, asker
from plugin.domain.sender_dns import Away, NoName

ZONE = {"haneul.example.": ['"v=spf1 " "include:mail.example ~all"', '"other"'], "_domainkey.haneul.example.": []}


def answer(wire: bytes) -> bytes | None:
    question = dns.message.from_wire(wire)
    name = question.question[0].name.to_text()
    if name.startswith("silent."):
        return None
    response = dns.message.make_response(question)
    response.flags |= dns.flags.RA
    if name not in ZONE:
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif ZONE[name]:
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *ZONE[name]))
    return response.to_wire()


@pytest.fixture
def resolver() -> Iterator[dns.resolver.Resolver]:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            wire, client = server.recvfrom(4096)
            if not wire:
                return
            if reply := answer(wire):
                server.sendto(reply, client)

    thread = threading.Thread(target=serve)
    thread.start()
    found = dns.resolver.Resolver(configure=False)
    found.nameservers, found.port = ["127.0.0.1"], server.getsockname()[1]
    yield found
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"", server.getsockname())
    thread.join()
    server.close()


def test_what_a_name_server_answers(resolver: dns.resolver.Resolver) -> None:
    txt = asker(resolver)
    assert sorted(txt("haneul.example")) == ["other", "v=spf1 include:mail.example ~all"]  # pieces are joined
    assert txt("_domainkey.haneul.example") == []
    with pytest.raises(NoName):
        txt("nobody.example")


@pytest.mark.alone
def test_one_that_is_silent_is_waited_for_once(resolver: dns.resolver.Resolver) -> None:
    txt, begun = asker(resolver), time.monotonic()
    for name in ("silent.example", "haneul.example", "nobody.example"):
        with pytest.raises(Away):
            txt(name)
    assert time.monotonic() - begun < SECONDS + 1
