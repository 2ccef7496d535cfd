"""TXT records of a domain, asked of the machine's own resolver, with a short limit for each and for all together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import dns.exception
import dns.resolver

from plugin.domain.sender_dns import Away, NoName

SECONDS = 1.5  # for one name
ALTOGETHER = 5.0  # for all that are asked by one look: a worker waits for them


def asker(resolver: dns.resolver.Resolver | None = None) -> Callable[[str], Sequence[str]]:
    """One look: name -> its TXT records, joined from their pieces. Raises Away, NoName.

    Once the DNS did not answer, the rest of the look is not waited for either. `resolver`: the machine's by default.
    """
    end = time.monotonic() + ALTOGETHER

    def txt(name: str) -> Sequence[str]:
        nonlocal end
        if time.monotonic() >= end:
            raise Away
        try:
            asked = resolver or dns.resolver.Resolver()
            answer = asked.resolve(f"{name}.", "TXT", lifetime=SECONDS, search=False)
        except dns.resolver.NXDOMAIN:
            raise NoName from None
        except dns.resolver.NoAnswer:
            return []
        except (dns.exception.DNSException, OSError):
            end = 0.0
            raise Away from None
        return [b"".join(record.strings).decode(errors="replace") for record in answer]

    return txt
