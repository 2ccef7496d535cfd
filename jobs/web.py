"""The web process: granian serving the Flask app with a few threads for each of its workers."""

from __future__ import annotations

import logging
import multiprocessing
import os
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from jobs.collector import settle
from jobs.environment import configure_logs, load
from jobs.ports import check_port
from jobs.processes import die_with_parent
from plugin.app import create_app
from plugin.config import Settings

if TYPE_CHECKING:
    from flask import Flask

THREADS = 16  # of each worker: each may hold a connection to the database
KILL_SECONDS = 3

# Granian's own lines go to our root handler; its access log, which would show paths with tokens, stays off.
QUIET: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"level": "ERROR", "propagate": True}},
}


def application() -> Flask:
    """The factory that granian calls in each of its workers."""
    if multiprocessing.parent_process() is not None:
        die_with_parent()
    configure_logs(os.environ)
    app = create_app(load(os.environ), THREADS)
    settle()
    return app


def serve(settings: Settings, host: str, port: int) -> None:
    """Until SIGINT or SIGTERM. Raises ConfigError when the port is taken."""
    check_port(host, port)
    logging.getLogger(__name__).info("web_starts", extra={"host": host, "port": port})
    Server(
        "jobs.web:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=settings.web_concurrency,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=QUIET,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_SECONDS,
    ).serve()
