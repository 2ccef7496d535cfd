"""A change for later orders only: what held before goes on holding for the orders placed before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from marshmallow import ValidationError

from plugin.services.settings_change import changed_steps, with_step
from schemas.settings import ShopSettings, dump_settings, load_settings

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def delays(settings: ShopSettings, *placed: datetime) -> list[tuple[bool, int]]:
    """(switched on, delay in days) of the survey, for orders placed then."""
    held = [settings.at(at) for at in placed]
    return [(one.step("survey").enabled, one.delay_minutes("survey") // 1440) for one in held]


def changed(
    settings: ShopSettings, days: int, now: datetime, enabled: bool = True, waiting: bool = False
) -> ShopSettings:
    step = replace(settings.step("survey"), enabled=enabled, delay_minutes=days * 1440)
    return with_step(settings, "survey", step, apply_to_waiting=waiting, now=now)


def test_changes_for_later_orders_pile_up():
    settings = changed(changed(ShopSettings(), 5, NOW), 3, NOW + 10 * DAY, enabled=False)
    assert delays(settings, NOW - DAY, NOW, NOW + 9 * DAY, NOW + 10 * DAY) == [
        (True, 4), (True, 5), (True, 5), (False, 3),
    ]  # fmt: skip
    assert delays(changed(settings, 6, NOW + 11 * DAY, waiting=True), NOW - DAY, NOW + 20 * DAY) == [(True, 6)] * 2


def test_what_no_order_can_need_any_more_is_forgotten():
    settings = changed(changed(ShopSettings(), 5, NOW), 3, NOW + 121 * DAY)
    assert [one.until for one in settings.step("survey").earlier] == [NOW + 121 * DAY]


def test_a_change_that_is_none_spares_nobody():
    assert changed(ShopSettings(), 4, NOW).step("survey").earlier == ()
    assert changed_steps(ShopSettings(), changed(ShopSettings(), 4, NOW)) == set()


def test_what_follows_from_a_step_is_changed_with_it():
    off = replace(ShopSettings().step("cross_sell"), enabled=False)
    edited = with_step(ShopSettings(), "cross_sell", off, apply_to_waiting=True, now=NOW)
    assert changed_steps(ShopSettings(), edited) == {"cross_sell", "cross_sell_follow_up"}


def test_settings_without_history_are_the_same_object():
    settings = load_settings({"steps": {"survey": {"delay_minutes": 60}}})
    assert settings.at(NOW) is settings


def test_it_is_stored_and_read_back_in_any_order():
    settings = changed(changed(ShopSettings(), 5, NOW), 3, NOW + DAY)
    stored = dump_settings(settings)
    stored["steps"]["survey"]["earlier"].reverse()
    assert load_settings(stored) == settings


def test_an_older_version_reads_what_does_not_need_the_new_fields():
    stored = dump_settings(load_settings({"steps": {"survey": {"delay_minutes": 60}}}))
    assert "done" not in stored
    assert "earlier" not in stored["steps"]["survey"]


@pytest.mark.parametrize(
    "earlier",
    [[{"until": "2026-11-02T09:00:00", "enabled": True, "delay_minutes": 1}], [{"until": "x"}], [{}], "x",
     [{"until": "2026-11-02T09:00:00Z", "enabled": True, "delay_minutes": -1}]],
)  # fmt: skip
def test_a_history_that_cannot_be_is_refused(earlier: object):
    with pytest.raises(ValidationError):
        load_settings({"steps": {"survey": {"earlier": earlier}}})
