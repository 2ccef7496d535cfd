"""Groups are kept whole or tried singly; nobody is told before the commit, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from plugin.services.group_commit import GaveUp, GroupCommit


class Committer:
    """Commits whole numbers by remembering them; slow, so that groups gather. `trouble` is raised once for each."""

    def __init__(self, seconds: float = 0.002) -> None:
        self.seconds = seconds
        self.groups: list[list[int]] = []
        self.trouble: list[BaseException] = []
        self.inside = 0

    def __call__(self, group: Sequence[int]) -> list[bool]:
        self.inside += 1
        assert self.inside == 1, "two groups at once"
        try:
            time.sleep(self.seconds)
            if self.trouble:
                raise self.trouble.pop()
            self.groups.append(list(group))
            return [item % 10 != 0 for item in group]  # what ends in 0 is left out
        finally:
            self.inside -= 1

    @property
    def kept(self) -> set[int]:
        return {item for group in self.groups for item in group}


def at_once(count: int, call: Callable[[int], bool]) -> list[bool]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def test_a_lone_item_waits_for_nobody() -> None:
    commit, told = Committer(), []
    groups = GroupCommit(commit, then=lambda: told.append(True))
    assert (groups.keep(1), groups.keep(10)) == (True, False)
    assert commit.groups == [[1], [10]]
    assert told == [True]  # nothing of the second group was kept


def test_many_threads_share_few_commits_and_each_hears_of_its_own_item() -> None:
    commit = Committer()
    groups = GroupCommit(commit, most=20)

    def work(worker: int) -> list[bool]:
        return [groups.keep(worker * 100 + number) == (number % 10 != 0) for number in range(50)]

    with ThreadPoolExecutor(16) as pool:
        assert all(all(right) for right in pool.map(work, range(16)))
    assert sorted(item for group in commit.groups for item in group) == sorted(
        worker * 100 + number for worker in range(16) for number in range(50)
    )
    assert 16 * 50 / len(commit.groups) > 4
    assert max(len(group) for group in commit.groups) <= 20


def test_nobody_is_told_before_the_commit() -> None:
    begun, may_end = threading.Event(), threading.Event()
    told: list[int] = []

    def commit(group: Sequence[int]) -> list[bool]:
        begun.set()
        assert may_end.wait(5)
        assert told == []
        return [True] * len(group)

    groups = GroupCommit(commit)
    thread = threading.Thread(target=lambda: told.append(groups.keep(1)))
    thread.start()
    assert begun.wait(5)
    assert told == []
    may_end.set()
    thread.join(5)
    assert told == [True]


def test_a_failed_group_tells_all_its_threads_to_try_alone_and_the_next_one_goes_on() -> None:
    commit = Committer(0.05)
    groups = GroupCommit(commit)
    commit.trouble = [ValueError("this group"), ValueError("that group")]
    answers = at_once(8, lambda number: groups.keep(number + 1))
    assert answers.count(False) == 8 - len(commit.kept) >= 2
    assert groups.keep(99)


def test_a_leader_that_is_torn_down_leaves_no_one_asleep() -> None:
    commit = Committer(0.05)
    groups = GroupCommit(commit, patience=5)
    commit.trouble = [SystemExit()]

    def keep(number: int) -> bool:
        try:
            return groups.keep(number + 1)
        except SystemExit:
            return False

    started = time.monotonic()
    answers = at_once(6, keep)
    assert answers.count(False) == 6 - len(commit.kept) >= 1
    assert time.monotonic() - started < 2


def test_who_waits_too_long_gives_up_and_the_group_goes_on_without() -> None:
    may_end = threading.Event()
    seen: list[list[int]] = []

    def commit(group: Sequence[int]) -> list[bool]:
        seen.append(list(group))
        assert may_end.wait(5)
        return [True] * len(group)

    groups = GroupCommit(commit, patience=0.1)
    leader = threading.Thread(target=groups.keep, args=(1,))
    leader.start()
    while not seen:
        time.sleep(0.001)
    with pytest.raises(GaveUp):
        groups.keep(2)
    may_end.set()
    leader.join(5)
    assert groups.keep(3)
    assert seen == [[1], [3]]


@pytest.mark.parametrize("patience", [0.001, 0.003, 0.006])
def test_giving_up_at_the_very_moment_of_being_woken_loses_no_wake_up(patience: float) -> None:
    commit = Committer(0.003)
    groups = GroupCommit(commit, most=3, patience=patience)

    def work(worker: int) -> int:
        gave_up = 0
        for number in range(60):
            try:
                groups.keep(worker * 1000 + number + 1)
            except GaveUp:
                gave_up += 1
        return gave_up

    with ThreadPoolExecutor(12) as pool:
        gave_up = sum(pool.map(work, range(12)))
    assert len(commit.kept) >= 12 * 60 - gave_up
    started = time.monotonic()
    groups.keep(99_999)
    assert time.monotonic() - started < 1
