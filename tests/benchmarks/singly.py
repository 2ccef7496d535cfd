"""Dasi's own web, but every receipt in a commit of its own: what grouping is compared with."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import cast

from flask import Flask

from jobs.web import application as grouped
from plugin.queues import INGEST
from plugin.services.context import Context
from plugin.services.nudges import Nudges
from plugin.services.receipt_groups import Groups, Plain, insert_plain
from plugin.web.webhooks import Door
from plugin.web.wiring import context
from tests.benchmarks.bare import serve


class Singly:
    """Stands where the groups meet: each thread is a group of its own."""

    def __init__(self, ctx: Context) -> None:
        self._insert, self._nudge = partial(insert_plain, ctx), Nudges(ctx.queues, INGEST)

    def keep(self, item: Plain) -> bool:
        (kept,) = self._insert([item])
        if kept:
            self._nudge()
        return kept


def application() -> Flask:
    app = grouped()
    with app.app_context():
        cast(Door, app.wsgi_app).groups = cast(Groups, Singly(context()))
    return app


if __name__ == "__main__":
    serve("tests.benchmarks.singly:application", int(sys.argv[1]), int(os.environ["WEB_CONCURRENCY"]))
