"""How a blueprint knows who is asking. Every blueprint's module declares one of these as `AUTH`; a test proves it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from types import ModuleType
from typing import Protocol

from flask import Blueprint, Flask

_DECLARED = "dasi.auth"


class Auth(StrEnum):
    HMAC = "hmac"  # the platform signs the raw body
    API_KEY = "api_key"  # a key that a merchant made opens one shop
    TOKEN = "token"  # a signed token in the path is the right itself
    MERCHANT = "merchant"  # a session token of the platform's admin, or the session of a login link: `merchant.access`
    PUBLIC = "public"  # anyone: nothing private is shown and nothing of a customer's changes


class Area(Protocol):
    """What a module offers to be registered."""

    AUTH: Auth
    blueprint: Blueprint


def register(
    app: Flask, area: Area | ModuleType, through: Callable[[Blueprint], None] | None = None
) -> None:
    """Register the module's `blueprint` under its declared `AUTH`. Raises TypeError when it declares none.

    `through`: what registers it in the app's stead.
    """
    blueprint, auth = getattr(area, "blueprint", None), getattr(area, "AUTH", None)
    if not isinstance(blueprint, Blueprint) or not isinstance(auth, Auth):
        raise TypeError(f"{getattr(area, '__name__', area)} must have a `blueprint` and declare its `AUTH`")
    (through or app.register_blueprint)(blueprint)
    declared(app)[blueprint.name] = auth


def declared(app: Flask) -> dict[str, Auth]:
    """Blueprint name -> its declared auth."""
    found: dict[str, Auth] = app.extensions.setdefault(_DECLARED, {})
    return found
