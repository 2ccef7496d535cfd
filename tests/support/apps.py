"""The app for a test's context, without wiring all of it anew: for each test that was a tenth of a second."""

from __future__ import annotations

from copy import copy

from flask import Flask

from plugin.app import create_app_from
from plugin.services.context import Context
from plugin.web import auth, wiring
from plugin.web.webhooks import Door

_wired: dict[bool, Flask] = {}


def app_over(ctx: Context) -> Flask:
    """What `create_app_from` makes, as a copy of one that this process has made before.

    Routes, templates and the API's document are shared; what belongs to the context or is changed by tests is not.
    """
    demo = ctx.settings.demo
    if demo not in _wired:
        _wired[demo] = create_app_from(ctx)
        assert _wired[demo].jinja_env  # made now, so that all copies share its compiled templates
    app = copy(_wired[demo])
    app.config = copy(app.config)
    app.config["SECRET_KEY"] = ctx.settings.secret_key
    app.view_functions = dict(app.view_functions)
    app.extensions = {name: held for name, held in app.extensions.items() if not name.startswith("dasi.")}
    auth.declared(app).update(auth.declared(_wired[demo]))
    wiring.attach(app, ctx)
    app.wsgi_app = Door(ctx, Flask.wsgi_app.__get__(app))  # type: ignore[method-assign]
    return app
