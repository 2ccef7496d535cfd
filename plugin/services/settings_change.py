"""Putting settings in force: under the shop's lock, noted in the change log; what waits is planned anew.

A change of a step's switch or delay may be for orders placed from now on only. Then the settings keep what held before
for the orders placed before (`StepSettings.earlier`), so that no later planning undoes the choice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.services.plan import CAMPAIGN
from plugin.services.replanning import follow
from plugin.services.sender_check import sender_changed
from plugin.services.shops import UnknownShop
from plugin.services.template_edit import note_versions
from plugin.store.models.shops import Shop
from schemas.settings import (
    MOST_EARLIER,
    STEPS,
    EarlierStep,
    ShopSettings,
    StepSettings,
    dump_settings,
    load_settings,
)

FOLLOWERS = {"cross_sell": ("cross_sell_follow_up",)}


def locked_shop(session: Session, shop_id: int) -> Shop:
    """The shop under its lock, as it is now: of two pages that are saved at once, one waits. Raises UnknownShop."""
    shop = session.scalar(
        select(Shop).where(Shop.id == shop_id).with_for_update().execution_options(populate_existing=True)
    )
    if shop is None:
        raise UnknownShop(shop_id)
    return shop


def change_settings(
    session: Session, ctx: Context, shop: Shop, edited: ShopSettings, actor: str, what: str = "settings"
) -> None:
    """Put the edited settings in force. Does not commit. `what`: the change log's code.

    Raises marshmallow.ValidationError rather than store what could not be read back.
    """
    shop = locked_shop(session, shop.id)
    before, now = load_settings(shop.settings), ctx.clock.now()
    if edited == before:
        return
    load_settings(dump_settings(edited))
    shop.settings = dump_settings(edited)
    record_change(session, shop.id, actor, what, _told(before), _told(edited), now)
    note_versions(session, shop.id, actor, before, edited, now)
    sender_changed(session, shop.id, before, edited)
    if before.marketing != edited.marketing:
        follow(session, ctx, shop)
    elif steps := changed_steps(before, edited):
        follow(session, ctx, shop, steps)


def changed_steps(before: ShopSettings, after: ShopSettings) -> set[str]:
    """The steps that may be planned otherwise, with those that follow from them."""
    changed = {name for name in STEPS if _timing(before, name) != _timing(after, name)}
    return changed | {follower for name in changed for follower in FOLLOWERS.get(name, ())}


def with_step(
    settings: ShopSettings, name: str, step: StepSettings, *, apply_to_waiting: bool, now: datetime
) -> ShopSettings:
    """The settings with this step in them; for orders placed from `now` on only, unless applied to those that wait."""
    old = settings.step(name)
    if apply_to_waiting:
        earlier: tuple[EarlierStep, ...] = ()
    else:
        earlier = tuple(one for one in old.earlier if one.until > now - CAMPAIGN)
        told = EarlierStep(until=now, enabled=old.enabled, delay_minutes=settings.delay_minutes(name))
        edited = replace(settings, steps={**settings.steps, name: step}).delay_minutes(name)
        if (told.enabled, told.delay_minutes) != (step.enabled, edited):
            earlier = (*earlier, told)[-MOST_EARLIER:]
    return replace(settings, steps={**settings.steps, name: replace(step, earlier=earlier)})


def _told(settings: ShopSettings) -> dict[str, Any]:
    """For the change log: with every step and the delay that holds, set or not."""
    data = dump_settings(settings)
    for name in STEPS:
        step = settings.step(name)
        texts = {"subject": dict(step.subject), "intro": dict(step.intro)}
        timing = {"enabled": step.enabled, "delay_minutes": settings.delay_minutes(name)}
        timing["holdout_percent"] = step.holdout_percent
        data["steps"][name] = {**texts, **timing, "spared_until": _spared(step)}
    return data


def _spared(step: StepSettings) -> str | None:
    """Until when orders were placed that the newest change does not touch."""
    return step.earlier[-1].until.isoformat(timespec="seconds") if step.earlier else None


def _timing(settings: ShopSettings, name: str) -> object:
    step = settings.step(name)
    return step.enabled, settings.delay_minutes(name), step.earlier, step.holdout_percent
