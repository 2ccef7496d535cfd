"""An order under way, on SQLite; `both` also on PostgreSQL."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from plugin.services.context import Context
from tests.web.scenes import Scene, scene


@pytest.fixture
def tea(sqlite_context: Context) -> Scene:
    """An English order."""
    return scene(sqlite_context)


@pytest.fixture
def korean(sqlite_context: Context) -> Scene:
    return scene(sqlite_context, "ko-KR")


@pytest.fixture
def both(context: Context) -> Scene:
    """On both databases."""
    return scene(context)


@pytest.fixture
def client(tea: Scene) -> FlaskClient:
    return tea.app.test_client()
