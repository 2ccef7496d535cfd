"""A mail server that counts: `python -m tests.operations.mail_counter HOST PORT`.

Says "ready", then for each line it reads, as JSON, how many mails came from each address and how many differ; and
forgets them. Ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter

_KEY = re.compile(rb"^X-Entity-Ref-ID: *(.+?)\r\n", re.M | re.I)


class Sink:
    """As much of SMTP as our workers speak."""

    def __init__(self) -> None:
        self.hosts: Counter[str] = Counter()
        self.keys: set[bytes] = set()

    async def session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = str(writer.get_extra_info("peername")[0])
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper().strip()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                mail = await reader.readuntil(b"\r\n.\r\n")
                self.hosts[host] += 1
                self.keys.update(_KEY.findall(mail)[:1])
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()
        writer.close()


async def main(host: str, port: int) -> None:
    sink = Sink()
    server = await asyncio.start_server(sink.session, host, port, limit=10_000_000)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    async with server:
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps({"hosts": sink.hosts, "different": len(sink.keys)}), flush=True)
            sink.hosts, sink.keys = Counter(), set()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
