"""The zone of quiet hours: the shipping country's when it has one, else the shop's."""

from __future__ import annotations

from collections import defaultdict
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from plugin.domain.zones import COUNTRY_ZONE, zone_for

AGREED = {"CN", "CY", "DE", "MY", "UA", "UZ"}  # several zones that agree, today or nearly everywhere


@pytest.mark.parametrize(("country", "shop_zone", "zone"), [
    ("KR", "Europe/London", "Asia/Seoul"),
    ("GB", "Asia/Seoul", "Europe/London"),
    ("DE", None, "Europe/Berlin"),
    ("US", "America/New_York", "America/New_York"),  # several zones: the shop's
    ("AU", "Australia/Perth", "Australia/Perth"),
    (None, "Asia/Seoul", "Asia/Seoul"),
    ("XX", "Asia/Seoul", "Asia/Seoul"),
    (None, None, "UTC"),
])  # fmt: skip
def test_zone_for(country: str | None, shop_zone: str | None, zone: str) -> None:
    assert zone_for(country, shop_zone) == ZoneInfo(zone)


def test_the_table_agrees_with_the_time_zone_database() -> None:
    zones: defaultdict[str, list[str]] = defaultdict(list)
    for row in files("tzdata.zoneinfo").joinpath("zone.tab").read_text().splitlines():
        if not row.startswith("#"):
            country, _, zone = row.split("\t")[:3]
            zones[country].append(zone)
    single = {country: found[0] for country, found in zones.items() if len(found) == 1 and country not in AGREED}
    assert {country: zone for country, zone in COUNTRY_ZONE.items() if country not in AGREED} == single
    assert all(COUNTRY_ZONE[country] in zones[country] for country in AGREED)
