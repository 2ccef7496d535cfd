"""The way from a request to what the process was wired with."""

from __future__ import annotations

from flask import Flask, current_app

from plugin.services.context import Context

_KEY = "dasi.context"


def attach(app: Flask, ctx: Context) -> None:
    app.extensions[_KEY] = ctx


def context() -> Context:
    """The context of the app that serves this request."""
    ctx: Context = current_app.extensions[_KEY]
    return ctx
