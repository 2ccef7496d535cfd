"""The jobs that work with the shops' APIs: nudged when something waits, in turns, on a queue that workers read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from jobs import cron, state, tasks
from jobs.clock import Clock
from jobs.state import State
from plugin.channels.email.transport import NoTransport
from plugin.queues import JOBS, PERIODIC, QUEUES, SHOPS
from plugin.services import errands
from plugin.services.context import Context
from plugin.services.deliver import Courier
from plugin.services.shop_work import STEPS
from plugin.store.models.platform import Errand, ShopToken
from tests.services.shop_scene import ShopScene
from tests.services.test_queries import plans, scans
from tests.services.world import World
from tests.support.fakes import RecordingQueues


@pytest.fixture
def scene(sqlite_context: Context) -> Iterator[ShopScene]:
    yield ShopScene(World(sqlite_context))
    sqlite_context.shopify.close()


@pytest.fixture
def here(scene: ShopScene) -> Iterator[State]:
    yield state.use(State(scene.ctx, Courier(NoTransport())))
    state._state = None


def test_every_queue_is_read_and_every_job_is_there() -> None:
    assert set(QUEUES) == {*JOBS, PERIODIC}
    for job in (*JOBS.values(), cron.HOUSEKEEPING_JOB, cron.TOKENS_JOB, cron.TRAINING_JOB):
        module, _, function = job.rpartition(".")
        assert module == tasks.__name__
        assert callable(getattr(tasks, function))


def test_every_kind_of_errand_has_its_step() -> None:
    platforms = {errands.FIRST_SYNC, errands.RECONCILE, errands.CONSENTS, errands.TOKEN}
    assert set(STEPS) == {*platforms, *errands.OURS}


def test_the_clock_tells_workers_of_an_errand_that_is_due(scene: ShopScene, queues: RecordingQueues) -> None:
    def no(_: Context) -> bool:
        return False

    Clock(scene.ctx, due=no, unprocessed=no).turn(100.0)
    assert queues.nudges == [SHOPS]
    scene.work()
    queues.nudges.clear()
    with scene.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=datetime.now(UTC) + timedelta(hours=1)))
    Clock(scene.ctx, due=no, unprocessed=no).turn(200.0)
    assert queues.nudges == []


def test_a_turn_works_off_what_is_due(scene: ShopScene, here: State, queues: RecordingQueues) -> None:
    tasks.work_with_shops()
    assert scene.progress().state == "done"
    assert SHOPS not in queues.nudges


def test_what_a_turn_leaves_is_asked_for_again(
    scene: ShopScene, here: State, queues: RecordingQueues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "TURN", 0.0)
    tasks.work_with_shops()
    assert queues.nudges[-1] == SHOPS
    assert scene.progress().state == "running"


def test_idle_tokens_are_asked_for_daily(scene: ShopScene, here: State, queues: RecordingQueues) -> None:
    scene.synchronised()
    queues.nudges.clear()
    tasks.refresh_idle_tokens()
    assert queues.nudges == []
    with scene.ctx.database.transaction() as session:
        session.execute(update(ShopToken).values(renewed_at=datetime.now(UTC) - timedelta(days=8)))
    tasks.refresh_idle_tokens()
    assert queues.nudges == [SHOPS]
    tasks.work_with_shops()
    assert [grant["grant_type"] for grant in scene.shopify.grants][1:] == ["refresh_token"]


def test_all_of_it_stands_on_indexes(scene: ShopScene, here: State) -> None:
    with plans(scene.ctx.database) as found:
        errands.anything_waiting(scene.ctx)
        tasks.work_with_shops()
        tasks.refresh_idle_tokens()
        scene.due(errands.RECONCILE)
        scene.ask(errands.CONSENTS)
        tasks.work_with_shops()
        scene.world.hook("app/scopes_update", {"id": 1, "current": ["read_orders"], "updated_at": str(scene.world.now)})
    assert len(found) > 20
    assert scans(found) == []
