"""How a blueprint knows who is asking. Every blueprint's module declares one of these as `AUTH`; a test proves it."""

from __future__ import annotations

from enum import StrEnum
from types import ModuleType
from typing import Protocol

from flask import Blueprint, Flask

_DECLARED = "dasi.auth"


class Auth(StrEnum):
    HMAC = "hmac"  # the platform signs the raw body
    TOKEN = "token"  # a signed token in the path is the right itself
    PUBLIC = "public"  # anyone: nothing private is shown and nothing of a customer's changes


class Area(Protocol):
    """What a module offers to be registered."""

    AUTH: Auth
    blueprint: Blueprint


def register(app: Flask, area: Area | ModuleType) -> None:
    """Register the module's `blueprint` under its declared `AUTH`. Raises TypeError when it declares none."""
    blueprint, auth = getattr(area, "blueprint", None), getattr(area, "AUTH", None)
    if not isinstance(blueprint, Blueprint) or not isinstance(auth, Auth):
        raise TypeError(f"{getattr(area, '__name__', area)} must have a `blueprint` and declare its `AUTH`")
    app.register_blueprint(blueprint)
    declared(app)[blueprint.name] = auth


def declared(app: Flask) -> dict[str, Auth]:
    """Blueprint name -> its declared auth."""
    found: dict[str, Auth] = app.extensions.setdefault(_DECLARED, {})
    return found
