"""The commands that run processes, one alone or all in one go."""

from __future__ import annotations

import argparse
import http.client
import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy.engine import make_url

from jobs import checks, embedded, environment
from jobs.console import complain, say
from jobs.ports import LOOPBACK, check_port, free_port
from jobs.processes import Child
from jobs.supervisor import Stage, Supervisor
from plugin.config import ConfigError, Settings, embedded_redis_url
from plugin.services.context import build
from plugin.store import migrate as migrations
from plugin.store.session import Database

# Seconds in which each kind of process ends: 9 together, so that Ctrl-C takes less than 10.
WEB_SECONDS, CLOCK_SECONDS, WORKER_SECONDS, VALKEY_SECONDS = 3.5, 1.5, 2.5, 1.5
ALONE_SECONDS = 30.0  # for `dasi worker`: a turn and one slow mail server


def up(args: argparse.Namespace) -> int:
    return _everything(args.port, demo=False)


def demo(args: argparse.Namespace) -> int:
    return _everything(args.port, demo=True)


def web(args: argparse.Namespace) -> int:
    """Starts without Valkey too: the webhooks must be kept."""
    from jobs.web import serve

    settings = _started()
    if checks.valkey_trouble(settings):
        complain("Valkey does not answer: webhooks are kept, and nothing is sent until it does (check REDIS_URL)")
    if not settings.shopify_secrets:
        complain("SHOPIFY_API_SECRET is not set: no webhook can be verified, so all are refused")
    serve(settings, args.host, args.port)
    return 0


def worker(args: argparse.Namespace) -> int:
    """WORKER_CONCURRENCY counts processes: with more than one, this one only keeps the others running."""
    settings = _started()
    checks.check_valkey(settings)
    if not settings.email_url:
        complain("EMAIL_URL is not set: nothing is sent until it is")
    if settings.worker_concurrency == 1:
        return one_worker(args)
    return Supervisor([Stage(_workers(settings, dict(os.environ)), ALONE_SECONDS)]).run()


def one_worker(_args: argparse.Namespace) -> int:
    from jobs.worker import run

    settings = _started()
    checks.check_valkey(settings)
    run(settings)
    return 0


def clock(_args: argparse.Namespace) -> int:
    from jobs.clock import run

    settings = _started()
    checks.check_valkey(settings)
    run(settings)
    return 0


def cron(_args: argparse.Namespace) -> int:
    from jobs.cron import run

    environment.configure_logs(os.environ)
    try:
        run(environment.load(os.environ))
    except RedisError as exc:
        complain(f"the scheduler lost Valkey ({type(exc).__name__}); it is started again")
        return 1
    return 0


def catcher(_args: argparse.Namespace) -> int:
    from jobs.demo import run_catcher

    run_catcher(_started())
    return 0


def demo_clock(_args: argparse.Namespace) -> int:
    from jobs.demo import run_clock_driver

    run_clock_driver(_started())
    return 0


def migrate(_args: argparse.Namespace) -> int:
    settings = environment.load_for_data(os.environ)
    if _migrate(settings) is migrations.Standing.AHEAD:
        say("The database was migrated by a newer program; there is nothing to do.")
    else:
        say("The database is at the newest migration.")
    return 0


def _started() -> Settings:
    """What every single process does first: log, read its settings, look whether it can work. Raises ConfigError."""
    environment.configure_logs(os.environ)
    settings = environment.load(os.environ)
    checks.check_start(settings)
    return settings


def _everything(port: int, *, demo: bool) -> int:
    data_dir = environment.data_dir(os.environ, demo=demo)
    with embedded.held(data_dir):
        env = environment.prepared(os.environ, port, demo=demo)
        helpers = ["_demo-clock"] if demo else []
        if demo and "EMAIL_URL" not in env:
            env["EMAIL_URL"] = f"smtp://{LOOPBACK}:{free_port()}"
            helpers.append("_catcher")
        settings = environment.load(env)
        environment.configure_logs(env)
        check_port(LOOPBACK, port)
        _migrate(settings)
        checks.check_start(settings)
        if demo:
            _prepare_demo(settings)
        stages = [
            Stage([_child("web", env, "web", "--host", LOOPBACK, "--port", str(port))], WEB_SECONDS),
            Stage([_child("clock", env, "clock"), *(_child(name, env, name) for name in helpers)], CLOCK_SECONDS),
            Stage(_workers(settings, env), WORKER_SECONDS),
        ]
        if "REDIS_URL" not in env:
            stages.append(Stage([_valkey(data_dir)], VALKEY_SECONDS))
        where = f"http://{LOOPBACK}:{port}"
        return Supervisor(stages).run(
            ready=lambda: _answers(port),
            announce=lambda: _announce(where, demo=demo),
            complain=lambda: complain(f"{where}/readyz does not answer yet: the lines above may say why"),
        )


def _valkey(data_dir: Path) -> Child:
    """Started and answering. Raises ConfigError."""
    valkey = embedded.server(data_dir)
    valkey.start()
    try:
        embedded.wait_until_ready(valkey, embedded_redis_url(data_dir))
    except BaseException:
        valkey.kill()
        raise
    return valkey


def _workers(settings: Settings, env: Mapping[str, str]) -> list[Child]:
    return [_child(f"worker-{number + 1}", env, "_worker") for number in range(settings.worker_concurrency)]


def _child(name: str, env: Mapping[str, str], *command: str) -> Child:
    return Child(name, [sys.executable, "-m", "jobs.cli", *(command or (name,))], env)


def _migrate(settings: Settings) -> migrations.Standing:
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database and Path(url.database).parent == settings.data_dir:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    try:
        migrations.upgrade(database)
        return migrations.standing(database)
    except migrations.NoLock:
        raise ConfigError(
            "the database is too busy to be migrated: run `dasi migrate` again, or stop the workers for it"
        ) from None
    finally:
        database.dispose()


def _prepare_demo(settings: Settings) -> None:
    from jobs.demo import prepare

    ctx = build(settings)
    try:
        prepare(ctx)
    finally:
        ctx.database.dispose()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(where: str, *, demo: bool) -> None:
    if demo:
        say(f"The demo is ready:  {where}/demo         place an order, watch its timeline, speed up the clock")
        say(f"Its inbox:          {where}/demo/inbox   every mail as it arrives")
    else:
        say(f"Dasi is ready:      {where}")
        say(f"Webhooks:           {where}/webhooks/shopify")
    say("Ctrl-C ends it.")
