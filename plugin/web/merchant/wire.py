"""The merchant's pages as a part of the app: who may see them, what they share, and those of this package's own."""

from __future__ import annotations

from flask import Flask

from plugin.web import auth
from plugin.web.merchant import (
    access,
    account,
    changes,
    data,
    experiments,
    feedback,
    feedback_tags,
    figures,
    home,
    issues,
    keys,
    links,
    live,
    mended,
    messages,
    notices,
    offers,
    orders,
    pages,
    questions,
    rehearsal,
    reviews,
    sender,
    sender_link,
    settings,
    sign_in,
    step,
    wording,
)

AREAS = (
    account,
    changes,
    data,
    experiments,
    feedback,
    feedback_tags,
    figures,
    home,
    issues,
    keys,
    links,
    live,
    mended,
    messages,
    notices,
    offers,
    orders,
    questions,
    rehearsal,
    reviews,
    sender,
    sender_link,
    settings,
    sign_in,
    step,
    wording,
)  # fmt: skip


def install(app: Flask) -> None:
    """Guard every blueprint of Auth.MERCHANT, whoever registers it, and register ours."""
    access.install(app)
    pages.install(app)
    for area in AREAS:
        auth.register(app, area)
