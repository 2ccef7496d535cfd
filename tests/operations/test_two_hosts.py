"""A short look at whether two hosts work together; the figures are those of `python -m tests.operations.two_hosts`."""

from __future__ import annotations

import pytest

from tests.operations import two_hosts
from tests.operations.namespaces import ADDRESSES, HOSTS, ground, why_not
from tests.operations.two_hosts import Round

pytestmark = [pytest.mark.postgres, pytest.mark.alone]


def test_two_hosts_share_the_work_and_nothing_leaves_twice() -> None:
    if reason := why_not():
        pytest.skip(reason)
    with ground() as here:
        found = two_hosts.measure(here, HOSTS, 200, 1)
    assert sum(found.shares.values()) == 200
    assert set(found.shares) <= {ADDRESSES[host] for host in HOSTS}


def test_the_table() -> None:
    one, two = Round(100, 50, {"10.77.0.2": 10}), Round(150, 60, {"10.77.0.2": 3, "10.77.0.3": 7})
    assert two_hosts.table([one], [two], 10).splitlines()[2:4] == [
        "| webhooks accepted a second | 100 | 150 | 1.50× |",
        "| thank-yous sent a second, end to end | 50 | 60 | 1.20× |",
    ]
