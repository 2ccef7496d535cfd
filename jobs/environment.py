"""From the environment to settings, for each kind of command."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet

from plugin import config, logs
from plugin.config import ConfigError, Settings

DEMO = "DASI_DEMO"  # set by `dasi demo` for the processes that it starts
DEMO_SHOPIFY = ("SHOPIFY_API_KEY", "SHOPIFY_API_SECRET")


def load(environ: Mapping[str, str]) -> Settings:
    """For the processes of an installation: every secret must be there. Raises ConfigError."""
    return config.load(environ, demo=environ.get(DEMO) == "1")


def load_for_data(environ: Mapping[str, str]) -> Settings:
    """For commands that only touch the database's plain columns: they seal and open nothing, so need no secret.

    Raises ConfigError.
    """
    where = data_dir(environ, demo=environ.get(DEMO) == "1")
    unused = {"SECRET_KEY": secrets.token_hex(), "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    missing = {
        name: value
        for name, value in unused.items()
        if not environ.get(name, "").strip() and not (where / "secrets" / name).is_file()
    }
    return config.load({**environ, **missing}, demo=environ.get(DEMO) == "1")


def data_dir(environ: Mapping[str, str], *, demo: bool) -> Path:
    """The demo keeps its data apart, because its clock must not touch real data."""
    return Path(environ.get("DATA_DIR", "").strip() or ("./var/demo" if demo else "./var")).absolute()


def prepared(environ: Mapping[str, str], port: int, *, demo: bool) -> dict[str, str]:
    """The environment of `up` and `demo` and of the processes they start: made secrets, addresses, one DATA_DIR.

    Raises ConfigError.
    """
    env = {name: value for name, value in environ.items() if value.strip()}
    env.setdefault("PUBLIC_URL", f"http://127.0.0.1:{port}")
    where = data_dir(environ, demo=demo)
    env["DATA_DIR"] = str(where)
    env.pop(DEMO, None)
    if demo:
        env[DEMO] = "1"
    try:
        env |= {name: value for name, value in config.development_secrets(where).items() if name not in env}
        if demo:
            env |= {name: _kept(where, name) for name in DEMO_SHOPIFY if name not in env}
    except OSError as exc:
        raise ConfigError(f"DATA_DIR {where} cannot be written: {exc.strerror}") from None
    return env


def configure_logs(environ: Mapping[str, str]) -> None:
    """JSON on stderr. The demo's visitor wants to read the address, not each request."""
    logs.configure("WARNING" if environ.get(DEMO) == "1" else "INFO")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # says twice at each look which database it is


def _kept(folder: Path, name: str) -> str:
    path = folder / "secrets" / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(24))
    return path.read_text().strip()
