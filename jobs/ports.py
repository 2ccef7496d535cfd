"""TCP ports of this machine."""

from __future__ import annotations

import socket

from plugin.config import ConfigError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """One that nobody listens on at this moment, on the loopback address."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def check_port(host: str, port: int) -> None:
    """Granian shares a port with whoever listens there already, so look first. Raises ConfigError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise ConfigError(f"port {port} on {host} cannot be had ({exc.strerror}): choose one with --port") from None
