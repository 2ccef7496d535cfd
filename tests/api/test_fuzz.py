"""Every operation that the document describes is called with whatever schemathesis thinks of.

It checks that no answer is a 5xx, that each has a declared status, type and form, that what the document forbids is
refused, and that no operation works without a key.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import missing_required_header, positive_data_acceptance, unsupported_method
from sqlalchemy import update

from plugin.clock import FixedClock
from plugin.config import Settings
from plugin.services.context import Context, build
from plugin.store import migrate
from plugin.store.models.api_keys import ApiKey
from tests.api.conftest import Api, api_over
from tests.conftest import KEY, NOW
from tests.support.fakes import RecordingQueues

EXAMPLES = 25  # for each operation
# The first asks for 405 where Flask answers 404; the second leaves out the key that `call` puts in again; the third
# does not know what a form cannot say: an `after` is one that we gave, `since` comes before `until`.
NOT_OURS = [unsupported_method, missing_required_header, positive_data_acceptance]


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Api]:
    """One shop for all: what one call leaves behind, the next one meets."""
    with tempfile.TemporaryDirectory() as folder:
        ctx = _context(Path(folder))
        api = api_over(ctx)
        with ctx.database.transaction() as session:  # it may make keys, and does not revoke itself by chance
            session.execute(update(ApiKey).values(id=987_654_321_987, makes_keys=True))
        yield api
        ctx.database.dispose()


def _context(folder: Path) -> Context:
    given = Settings(
        database_url=f"sqlite:///{folder / 'dasi.db'}", redis_url="redis://127.0.0.1:1/0", data_dir=folder,
        public_url="http://127.0.0.1:8000", secret_key="s" * 40, encryption_keys=(KEY,),
    )  # fmt: skip
    ctx = dataclasses.replace(build(given), clock=FixedClock(NOW), queues=RecordingQueues())
    migrate.upgrade(ctx.database)
    return ctx


def test_no_input_breaks_an_operation(fuzzed: Api, subtests: pytest.Subtests) -> None:
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", fuzzed.client.application)
    operations = [found.ok() for found in document.get_all_operations()]
    assert operations
    for operation in operations:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def fuzz(case: schemathesis.Case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {fuzzed.key}"}, excluded_checks=NOT_OURS)

        with subtests.test(operation.label):
            fuzz()
