"""Which mails carry the dot that tells of their opening: by default only what is marketing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from plugin.services.opens import without_pixel
from plugin.store.models.figures import Open
from plugin.store.models.messages import Message
from tests.services.world import World, body, consent, whole_life
from tests.support.apps import app_over

MARKETING = ["cross_sell", "cross_sell_follow_up"]
DOT = re.compile(r'<img src="http://127\.0\.0\.1:8000(/o/[\w.-]+)" alt="" width="1" height="1"')


def sent(world: World) -> dict[str, str]:
    """Step -> HTML of every mail of an order's whole life."""
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    for _ in whole_life(world):
        pass
    world.walk(days=20)
    return {step: body(mail, "html") for mail, step in zip(world.sink.parsed(), world.sink.steps(), strict=True)}


@pytest.mark.parametrize(
    ("setting", "steps"), [(None, MARKETING), ("marketing", MARKETING), ("off", []), ("all", None)]
)
def test_by_the_shops_setting(world: World, setting: str | None, steps: list[str] | None) -> None:
    if setting:
        world.configure(track_opens=setting)
    mails = sent(world)
    assert len(mails) == 6
    assert [step for step, html in mails.items() if DOT.search(html)] == (list(mails) if steps is None else steps)
    assert all("/o/" not in body(mail) for mail in world.sink.parsed())


def test_the_dot_in_a_mail_is_that_messages(world: World) -> None:
    html = sent(world)["cross_sell"]
    found = DOT.search(html)
    assert found
    assert DOT.search(without_pixel(html)) is None
    message = world.message("cross_sell")
    with world.ctx.database.transaction() as session:
        session.get_one(Message, message.id).accepted_at = datetime.now(UTC) - timedelta(hours=1)
    client = app_over(world.ctx).test_client()
    agent = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"}
    assert client.get(found[1], headers=agent).status_code == 200
    row = world.row(Open)
    assert (row.message_id, row.by_machine) == (message.id, False)
