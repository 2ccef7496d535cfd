"""An order under way on SQLite, and a key to its shop."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.services.api_keys import make_key
from plugin.services.context import Context
from tests.support.apps import app_over
from tests.web.scenes import Scene, scene


@dataclass
class Api:
    """Calls with a key of `scene`'s shop."""

    scene: Scene
    shop_id: int
    key: str
    client: FlaskClient

    def call(self, method: str, path: str, **more: object) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}"}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **more)  # type: ignore[arg-type]

    def get(self, path: str) -> TestResponse:
        return self.call("GET", path)


def api_over(ctx: Context) -> Api:
    made = scene(ctx)
    with ctx.database.transaction() as session:
        key = make_key(session, made.shop_id, "books", "the owner")
    return Api(made, made.shop_id, key.secret, app_over(ctx).test_client())


@pytest.fixture
def api(sqlite_context: Context) -> Api:
    return api_over(sqlite_context)
