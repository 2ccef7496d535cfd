"""What holds for every history: no key twice, no dependence on the order of telling, nothing refused that leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from plugin.domain import gates
from plugin.domain.consent import ConsentWords, marketing_refusal
from plugin.domain.flows import LEFT, STEPS, MessageClass, State, check_transition
from plugin.domain.history import Act, Answer, Earned, History, Left, Line, NewerOrder, NotArrived, Order, Parcel, Word
from plugin.domain.reconcile import Changes, Stored, reconcile
from plugin.domain.timeline import Planned, plan
from schemas.settings import ShopSettings, StepSettings
from tests.domain.support import ORDER, at

START = at("2 Nov 09:00")
MOMENTS = st.integers(0, 40 * 24 * 2).map(lambda half_hours: START + timedelta(minutes=30 * half_hours))
MAYBE = st.none() | MOMENTS
LINES, PARCELS = ("A", "B", "C"), ("P1", "P2", "P3")
SUBJECTS = st.sampled_from((ORDER, *PARCELS))
STATUSES = st.sampled_from(["in_transit", "out_for_delivery", "delayed", "attempted_delivery", "failure", "confirmed"])
HOLDS = st.dictionaries(st.sampled_from(LINES), st.integers(1, 2), max_size=3).map(lambda d: tuple(d.items()))
CONSENT = st.builds(ConsentWords, MAYBE, MAYBE, MAYBE, MAYBE)


@st.composite
def parcels(draw: st.DrawFn) -> tuple[Parcel, ...]:
    found = []
    for name in draw(st.lists(st.sampled_from(PARCELS), unique=True)):
        shipped = draw(MOMENTS)
        found.append(Parcel(
            parcel_id=name, shipped_at=shipped, on_its_way=draw(st.sampled_from([True, True, True, False])),
            has_number=draw(st.booleans()), lines=draw(HOLDS),
            words=tuple(draw(st.lists(st.builds(Word, STATUSES, MOMENTS), max_size=3))),
            delivered_at=draw(MAYBE), estimated_at=draw(st.sampled_from([None, shipped + timedelta(days=7)])),
        ))  # fmt: skip
    return tuple(found)


@st.composite
def issues(draw: st.DrawFn) -> NotArrived:
    outcome = draw(st.sampled_from([None, "arrived", "lost"]))
    parcel_id = draw(st.sampled_from([None, *PARCELS]))
    return NotArrived(parcel_id, draw(MOMENTS), draw(MOMENTS) if outcome else None, outcome)


@st.composite
def lefts(draw: st.DrawFn) -> tuple[Left, ...]:
    """What left; of `shipped` at most one message, so that no parcel is told of twice."""
    found = {}
    for step in draw(st.lists(st.sampled_from(["thank_you", "survey", "cross_sell"]), unique=True)):
        state = draw(st.sampled_from(sorted(LEFT)))
        found[step] = Left(step=step, subject=ORDER, copy=0, state=state, at=draw(MOMENTS))
    told = draw(st.lists(st.sampled_from(PARCELS), unique=True))
    if told:
        found["shipped"] = Left(step="shipped", subject=told[0], copy=0, state=State.SENT, at=draw(MOMENTS),
                                parcels=tuple(told))  # fmt: skip
    return tuple(found.values())


ORDERS = st.builds(
    Order, order_id=st.just(ORDER), placed_at=st.just(START), name=st.just("#1001"),
    lines=st.lists(st.sampled_from(LINES), unique=True).flatmap(lambda ids: st.tuples(*(
        st.builds(Line, line_id=st.just(i), remaining=st.integers(0, 2), requires_shipping=st.booleans()) for i in ids
    ))),
    test=st.sampled_from([False, False, True]), pos=st.sampled_from([False, False, True]),
    pickup=st.sampled_from([False, False, True]), ended=st.sampled_from([None, None, "the order was cancelled"]),
    erased=st.sampled_from([False, False, False, True]), has_address=st.sampled_from([True, True, True, False]),
)  # fmt: skip
HISTORIES = st.builds(
    History, order=ORDERS, installed_at=st.just(START - timedelta(days=1)), live=st.sampled_from([True, True, False]),
    country_code=st.sampled_from([None, "GB", "JP"]), parcels=parcels(),
    newer_orders=st.lists(
        st.builds(NewerOrder, st.sampled_from(["#1002", "#1003"]), MOMENTS, st.booleans()), max_size=2,
        unique_by=lambda o: o.placed_at,
    ).map(tuple),
    answers=st.lists(st.builds(Answer, st.sampled_from(PARCELS), st.booleans(), MOMENTS), max_size=3).map(tuple),
    issues=st.lists(issues(), max_size=3).map(tuple),
    acts=st.lists(st.builds(Act, st.sampled_from(["cancel", "send_now", "send_again"]), st.sampled_from(sorted(STEPS)),
                            SUBJECTS, MOMENTS), max_size=4).map(tuple),
    left=lefts(), consent=CONSENT, suppressed=st.sampled_from([None, None, None, "dead"]),
)  # fmt: skip
SETTINGS = st.builds(
    ShopSettings, marketing=st.sampled_from(["consent", "soft_opt_in"]),
    steps=st.dictionaries(st.sampled_from(sorted(STEPS)), st.builds(StepSettings, enabled=st.booleans()), max_size=3),
)  # fmt: skip


def shuffled(told: History, seed: int) -> History:
    random = Random(seed)

    def mix(items: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(random.sample(items, len(items)))

    return replace(
        told,
        order=replace(told.order, lines=mix(told.order.lines)),
        parcels=mix(tuple(replace(p, lines=mix(p.lines), words=mix(p.words)) for p in told.parcels)),
        **{name: mix(getattr(told, name)) for name in ("newer_orders", "answers", "issues", "acts", "left")},
    )  # type: ignore[arg-type]


def comparable(message: Planned) -> tuple[object, ...]:
    return (message.step, message.subject, message.copy, message.state, message.reason, message.due_at,
            frozenset(message.parcels), message.estimated)  # fmt: skip


def by_key(planned: tuple[Planned, ...]) -> list[tuple[object, ...]]:
    return [comparable(m) for m in sorted(planned, key=lambda m: m.key)]


@given(SETTINGS, HISTORIES)
def test_no_two_messages_have_one_key(settings: ShopSettings, told: History) -> None:
    keys = [message.key for message in plan(settings, told)]
    assert len(keys) == len(set(keys))


@given(SETTINGS, HISTORIES, st.integers(0, 10**6))
def test_the_order_of_telling_does_not_matter(settings: ShopSettings, told: History, seed: int) -> None:
    assert by_key(plan(settings, shuffled(told, seed))) == by_key(plan(settings, told))


@given(SETTINGS, HISTORIES)
def test_what_is_refused_does_not_leave(settings: ShopSettings, told: History) -> None:
    facts = gates.facts_of(settings, told)
    for message in plan(settings, told):
        if gates.refusal(message.step, facts):
            assert message.state in (State.WITHHELD, State.CANCELLED)
        if message.message_class is MessageClass.MARKETING and message.state not in (State.WITHHELD, State.CANCELLED):
            assert marketing_refusal(told.consent, settings.marketing, told.country_code) is None


@given(SETTINGS, HISTORIES)
def test_every_message_explains_itself(settings: ShopSettings, told: History) -> None:
    for message in plan(settings, told):
        assert message.reason
        assert len(message.reason) <= 300
        if message.state is State.PLANNED:
            assert message.due_at is not None
            assert told.live
        if message.state in (State.WAITING, State.CANCELLED, State.WITHHELD):
            assert message.due_at is None


@given(SETTINGS, HISTORIES)
def test_every_step_is_in_the_plan(settings: ShopSettings, told: History) -> None:
    """The reward's only once it was earned."""
    often = set(STEPS) - {"you_told_us", "survey_reward"}
    assert {message.step for message in plan(settings, told)} == often
    earned = plan(settings, replace(told, earned=Earned(told.order.placed_at)))
    assert {message.step for message in earned} == {*often, "survey_reward"}


@given(SETTINGS, HISTORIES)
def test_an_ended_order_sends_nothing_but_news_of_parcels(settings: ShopSettings, told: History) -> None:
    assume(told.order.ended)
    for message in plan(settings, told):
        if message.state in (State.PLANNED, State.HELD):
            assert message.step in ("shipped", "delivered")
            assert message.parcels


@given(SETTINGS, HISTORIES)
def test_every_parcel_under_way_is_told_of_once(settings: ShopSettings, told: History) -> None:
    carried = [p for m in plan(settings, told) if m.step == "shipped" and m.copy == 0 and m.state is State.PLANNED
               for p in m.parcels]  # fmt: skip
    assert len(carried) == len(set(carried))


NOWS = st.integers(-5, 60).map(lambda days: START + timedelta(days=days))


def applied(stored: list[Stored], changes: Changes) -> list[Stored]:
    """The calendar after the changes, as the planner's service writes them."""
    rows = {row.id: row for row in stored}
    for old, new in changes.change:
        check_transition(old.state, new.state)
        rows[old.id] = _row(old.id, new)
    for old in changes.remove:
        del rows[old.id]
    first = max(rows, default=0) + 1
    return [*rows.values(), *(_row(first + at, message) for at, message in enumerate(changes.add))]


def _row(id_: int, message: Planned) -> Stored:
    return Stored(id=id_, step=message.step, subject=message.subject, copy=message.copy, state=message.state,
                  reason=message.reason, due_at=message.due_at, parcels=message.parcels,
                  estimated=message.estimated)  # fmt: skip


def left_rows(told: History) -> list[Stored]:
    return [
        Stored(id=at, step=m.step, subject=m.subject, copy=m.copy, state=m.state, reason="sent", due_at=m.at,
               parcels=m.parcels, estimated=False)
        for at, m in enumerate(told.left, start=1)
    ]  # fmt: skip


@given(SETTINGS, HISTORIES, HISTORIES, NOWS)
def test_reconciling_what_was_reconciled_changes_nothing(
    settings: ShopSettings, before: History, after: History, now: datetime
) -> None:
    stored = applied([], reconcile([], plan(settings, replace(before, left=())), now))
    planned = plan(settings, replace(after, left=()))
    stored = applied(stored, reconcile(stored, planned, now))
    assert reconcile(stored, planned, now) == Changes()
    assert {row.key for row in stored} == {message.key for message in planned}


@given(SETTINGS, HISTORIES, NOWS)
def test_reconciling_never_touches_what_left(settings: ShopSettings, told: History, now: datetime) -> None:
    stored = left_rows(told)
    changes = reconcile(stored, plan(settings, told), now)
    assert not changes.change
    assert not changes.remove
    assert not {row.key for row in stored} & {message.key for message in changes.add}


@given(SETTINGS, HISTORIES, NOWS)
def test_the_calendar_does_not_depend_on_what_was_planned_between(
    settings: ShopSettings, told: History, now: datetime
) -> None:
    """Planned at once, or first as if nothing had been shipped: the calendar becomes the same."""
    told = replace(told, left=())
    at_once = applied([], reconcile([], plan(settings, told), now))
    earlier = replace(told, parcels=(), answers=(), issues=(), acts=(), consent=ConsentWords())
    stepwise = applied([], reconcile([], plan(settings, earlier), now))
    stepwise = applied(stepwise, reconcile(stepwise, plan(settings, told), now))

    def shown(rows: list[Stored]) -> dict[tuple[str, str, int], tuple[object, ...]]:
        return {r.key: (r.state, r.due_at, set(r.parcels), r.estimated) for r in rows}

    assert shown(at_once) == shown(stepwise)
