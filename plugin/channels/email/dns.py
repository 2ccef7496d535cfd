"""TXT records of a domain, asked of the machine's own resolver, with a short limit for each and for all together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import dns.exception
import dns.resolver

from plugin.domain.sender_dns import Away, NoName

SECONDS = 2.0  # for one name
ALTOGETHER = 12.0  # for all that are asked by one look


def asker() -> Callable[[str], Sequence[str]]:
    """One look: name -> its TXT records, joined from their pieces. Raises Away, NoName."""
    end = time.monotonic() + ALTOGETHER

    def txt(name: str) -> Sequence[str]:
        if time.monotonic() >= end:
            raise Away
        try:
            answer = dns.resolver.Resolver().resolve(f"{name}.", "TXT", lifetime=SECONDS, search=False)
        except dns.resolver.NXDOMAIN:
            raise NoName from None
        except dns.resolver.NoAnswer:
            return []
        except (dns.exception.DNSException, OSError):
            raise Away from None
        return [b"".join(record.strings).decode(errors="replace") for record in answer]

    return txt
