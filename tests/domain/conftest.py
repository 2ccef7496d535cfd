"""Lets `assert_plan` show what differs."""

import pytest

pytest.register_assert_rewrite("tests.domain.support")
