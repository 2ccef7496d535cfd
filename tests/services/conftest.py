"""A world on SQLite, and one on both databases."""

from __future__ import annotations

import pytest

from plugin.services.context import Context
from tests.services.world import World


@pytest.fixture
def world(sqlite_context: Context) -> World:
    return World(sqlite_context)


@pytest.fixture
def both(context: Context) -> World:
    """On both databases."""
    return World(context)
