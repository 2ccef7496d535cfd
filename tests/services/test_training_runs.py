"""How a training goes: in parts, in turns, through a death, each shop in its own night; how its lists are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from plugin.clock import FixedClock
from plugin.services import errands, shop_work
from plugin.services.context import Context
from plugin.services.errands import TRAIN
from plugin.services.recommend import TOGETHER
from plugin.services.recommender import lists, maths, parts, train
from plugin.store.models.platform import Errand
from plugin.store.models.recommender import ProductList
from plugin.store.models.shops import Shop
from tests.services.test_recommend import NOON
from tests.services.training_scene import Scene, tea


@pytest.fixture
def scene(context: Context) -> Scene:
    return Scene(replace(context, clock=FixedClock(NOON + timedelta(hours=1))))


def test_page_by_page_and_block_by_block_it_learns_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tea(scene)
    turns = scene.learn()
    at_once = lists_of(scene)
    monkeypatch.setattr(parts, "PAGE", 4)
    monkeypatch.setattr(train, "TURN", 0.0)
    monkeypatch.setattr(maths.Affinities, "end_of_block", lambda _, begin: begin + 1)
    assert scene.learn() > turns + 8
    assert lists_of(scene) == at_once


def test_of_a_shop_with_millions_of_lines_the_newest_teach(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene.selling() as store:
        for days, other in ((3, "old"), (2, "middle"), (1, "new")):
            for _ in range(4):
                store.order("pot", other, days=days)
    monkeypatch.setattr(parts, "PAGE", 8)
    monkeypatch.setattr(parts, "MOST", 16)
    scene.learn()
    assert {one.product_id for one in scene.suggest("pot")} == {"new", "middle"}


def lists_of(scene: Scene) -> dict[str, list[lists.Entry]]:
    with scene.ctx.database.reading() as session:
        rows = session.execute(select(ProductList.key, ProductList.packed))
        return {key: lists.unpack(packed) for key, packed in rows}


def test_the_new_lists_hold_all_at_once_and_the_old_ones_go(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tea(scene)
    scene.learn()
    before = scene.told("pot")
    with scene.selling() as store:
        for _ in range(40):
            store.order("pot", "vase")
            store.order("lamp", "cup")
    seen: list[object] = []
    monkeypatch.setattr(train, "TURN", 0.0)
    monkeypatch.setattr(maths.Affinities, "end_of_block", lambda _, begin: begin + 1)
    scene.learn(between=lambda: seen.append((scene.told("pot"), scene.told("lamp")[0][0])))
    after = scene.told("pot")
    assert after[0][:3] == ("vase", TOGETHER, 40)
    assert [told[0] for told in seen] == sorted((told[0] for told in seen), key=lambda told: told != before)
    assert {told[0][0][0] for told in seen} == {"cup", "vase"}
    assert all((told[0] == before) == (told[1] == "cup" and told[0] != after) for told in seen)
    with scene.ctx.database.reading() as session:
        assert set(session.scalars(select(ProductList.generation))) == {2}


def test_a_worker_that_dies_costs_one_turn(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tea(scene)
    monkeypatch.setattr(train, "TURN", 0.0)
    with scene.ctx.database.transaction() as session:
        errands.ask(session, scene.ids["TEA01"], TRAIN)
    for _ in range(2):
        claimed = errands.claim(scene.ctx)
        assert claimed is not None
        train.step(scene.ctx, claimed)
    claimed = errands.claim(scene.ctx)  # and never heard of again
    assert claimed is not None
    assert claimed.state["stage"] == "learn"
    with scene.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=datetime.now(UTC)))
    while shop_work.work_off(scene.ctx):
        pass
    with pytest.raises(errands.LostClaim):
        train.step(scene.ctx, claimed)
    assert scene.told("pot")[0] == ("cup", TOGETHER, 4, "Pot")


def test_shops_take_turns(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop with much to learn does not keep one with little waiting."""
    with scene.selling("BIG01") as store:
        for number in range(40):
            store.order(f"p{number}", f"q{number}")
    tea(scene)
    monkeypatch.setattr(parts, "PAGE", 4)
    monkeypatch.setattr(train, "TURN", 0.0)
    with scene.ctx.database.transaction() as session:
        for code in ("BIG01", "TEA01"):
            errands.ask(session, scene.ids[code], TRAIN)
    steps = list[int]()
    while (claimed := errands.claim(scene.ctx)) is not None:
        steps.append(claimed.shop_id)
        train.step(scene.ctx, claimed)
    big, small = (scene.ids[code] for code in ("BIG01", "TEA01"))
    theirs = [place for place, shop_id in enumerate(steps) if shop_id == small]
    assert theirs == list(range(1, 2 * len(theirs), 2))  # every second turn, until it had learned
    assert steps.count(big) > len(theirs) + 5


def test_each_shop_is_trained_in_its_own_night(scene: Scene) -> None:
    for code, zone in (("SEOUL", "Asia/Seoul"), ("PARIS", "Europe/Paris"), ("EMPTY", "Asia/Seoul")):
        with scene.selling(code) as store:
            store.shop.timezone = zone
            if code != "EMPTY":
                store.order("pot")
    assert train.ask_nightly(scene.ctx) == 2  # never trained: at once
    with scene.ctx.database.transaction() as session:
        ended = datetime.now(UTC) - timedelta(hours=19)
        session.execute(update(Errand).values(next_at=None, finished_at=ended))
        session.execute(update(Shop).where(Shop.code == "SEOUL").values(timezone=_zone_where_it_is(3)))
        session.execute(update(Shop).where(Shop.code == "PARIS").values(timezone=_zone_where_it_is(15)))
    assert train.ask_nightly(scene.ctx) == 1
    with scene.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=None, finished_at=datetime.now(UTC) - timedelta(hours=31)))
    assert train.ask_nightly(scene.ctx) == 2  # its night was missed
    with scene.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=None, finished_at=datetime.now(UTC)))
    assert train.ask_nightly(scene.ctx) == 0


def _zone_where_it_is(hour: int) -> str:
    ahead = (hour - datetime.now(UTC).hour + 11) % 24 - 11  # -11 … 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@pytest.mark.parametrize("junk", [b"", b"\x02\x00\x00", b"\x01\x05\x00", b"\x01\x01\x00" + b"\x00" * 8 + b"a\nb",
                                  b"\x01\x01\x00" + b"\x00" * 8 + b"\xff"])  # fmt: skip
def test_a_list_that_cannot_be_read_is_as_good_as_none(junk: bytes, scene: Scene) -> None:
    tea(scene)
    scene.learn()
    with scene.ctx.database.transaction() as session:
        session.execute(update(ProductList).where(ProductList.key == lists.of_product("pot")).values(packed=junk))
    with pytest.raises(lists.BadList):
        lists.unpack(junk)
    assert scene.told("pot")[0] == ("cup", TOGETHER, 4, "Pot")  # asked live


def test_a_list_is_kept_as_it_is() -> None:
    entries = [("gid-1", 0.5, 41), ("찻잔", 0.25, 0)]
    assert lists.unpack(lists.pack(entries)) == entries
    assert lists.unpack(lists.pack([])) == []
    assert lists.of_kind(" Tea") == lists.of_kind("tea") != lists.of_kind("Cups")
