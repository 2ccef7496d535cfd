"""From opening the app in the admin to the first real mail: the walk that the merchant's guide describes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.operations.first_minutes import NAMES, walk
from tests.replay.servers import Servers
from tests.twin.server import NEEDS


@pytest.mark.alone
@pytest.mark.browser
@pytest.mark.shared
def test_a_new_merchant_s_first_mail_leaves_within_two_minutes(tmp_path: Path, shared: Path) -> None:
    if NEEDS:
        pytest.skip(NEEDS)
    if not any(shutil.which(name) for name in NAMES):
        pytest.skip("needs Chromium: none of chromium, chromium-browser, google-chrome is installed")
    servers = Servers(tmp_path, shared)
    try:
        reached = dict(walk(servers, None))
    finally:
        servers.end_all()
    assert reached["the first order's thank-you is with the mail server"] < 120
