"""A mail server that takes everything and only remembers when: `python -m tests.benchmarks.sink PORT`.

Says "ready", then for each line it reads the list of [order's name, Unix time], as JSON. Ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

_SUBJECT = re.compile(rb"#\d+")  # the thank-you names its order in the text
_ARRIVED: list[tuple[str, float]] = []


async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As much of SMTP as smtplib speaks."""
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        verb = line[:4].upper().strip()
        if verb == b"EHLO":
            writer.write(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
        elif verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await writer.drain()
            remember(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 taken\r\n")
        elif verb == b"QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 ok\r\n")
        await writer.drain()
    writer.close()


def remember(mail: bytes) -> None:
    found = _SUBJECT.search(mail)
    _ARRIVED.append((found[0].decode() if found else "?", time.time()))


async def main(port: int) -> None:
    server = await asyncio.start_server(session, "127.0.0.1", port, limit=10_000_000)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    async with server:
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(_ARRIVED), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
