"""The `dasi` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs import checks
from jobs.commands import desk, login, receipts, restore, run, shops
from jobs.console import complain
from plugin.config import ConfigError

PORT = 8000
WRONG = 2  # the exit code of a command that could not be started, or was asked for wrongly
# What the other commands start beside themselves.
HIDDEN = {"_worker": run.one_worker, "_cron": run.cron, "_catcher": run.catcher, "_demo-clock": run.demo_clock}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: it failed; 2: a setting or an argument is wrong, and one line says what to do."""
    args = parser().parse_args(arguments)
    try:
        code: int = args.command(args)
    except ConfigError as exc:
        complain(str(exc))
        return WRONG
    except DBAPIError as exc:
        complain(str(checks.unusable(exc)))
        return WRONG
    except PoolTimeout:
        complain("the database has no connection free: try again, or allow it more connections")
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="dasi", description="A store app that turns one order into the next.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="everything in one go, for one machine: database, Valkey, web, worker, clock")
    _port(up)
    up.set_defaults(command=run.up)
    demo = commands.add_parser("demo", help="the same with a demo shop, an inbox and a fast clock")
    _port(demo)
    demo.set_defaults(command=run.demo)
    web = commands.add_parser("web", help="the web process")
    web.add_argument("--host", default="0.0.0.0", help="the address to listen on (default: all)")
    _port(web)
    web.set_defaults(command=run.web)
    commands.add_parser("worker", help="a worker process").set_defaults(command=run.worker)
    commands.add_parser("clock", help="the clock process").set_defaults(command=run.clock)
    commands.add_parser("migrate", help="bring the database to the newest schema").set_defaults(command=run.migrate)
    for name, command in HIDDEN.items():
        commands.add_parser(name).set_defaults(command=command)
    shops.add_to(commands)
    receipts.add_to(commands)
    desk.add_to(commands)
    login.add_to(commands)
    restore.add_to(commands)
    return top


def _port(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=_port_number, default=PORT, help=f"default {PORT}")


def _port_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
