"""The words about one address as a table: when each was said last, and what follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.consent import OLDEST, SOFT_OPT_IN, ConsentWords, marketing_refusal
from tests.domain.support import at, words

MAY, OUT, NO = None, "the customer unsubscribed", "no consent to marketing"
FIRST, SECOND, THIRD = "1 Nov 09:00", "2 Nov 09:00", "3 Nov 09:00"


@pytest.mark.parametrize(("said", "answer"), [
    # nobody said anything
    (words(), NO),
    # one word
    (words(subscribed=FIRST), MAY),
    (words(checkbox=FIRST), MAY),
    (words(neutral=FIRST), NO),
    (words(opted_out=FIRST), OUT),
    # the newest word holds
    (words(subscribed=FIRST, opted_out=SECOND), OUT),
    (words(opted_out=FIRST, subscribed=SECOND), MAY),
    (words(subscribed=FIRST, neutral=SECOND), NO),
    (words(neutral=FIRST, subscribed=SECOND), MAY),
    (words(neutral=FIRST, checkbox=SECOND), MAY),
    (words(checkbox=FIRST, neutral=SECOND), NO),
    # only a later explicit subscription lifts an opt-out, never the order's checkbox
    (words(opted_out=FIRST, checkbox=SECOND), OUT),
    (words(opted_out=FIRST, neutral=SECOND), OUT),
    (words(subscribed=FIRST, opted_out=SECOND, checkbox=THIRD), OUT),
    (words(opted_out=FIRST, subscribed=SECOND, checkbox=THIRD), MAY),
    (words(opted_out=FIRST, subscribed=SECOND, neutral=THIRD), NO),
    (words(checkbox=FIRST, opted_out=SECOND, subscribed=THIRD), MAY),
    # ties go to the opt-out
    (words(subscribed=FIRST, opted_out=FIRST), OUT),
    (words(subscribed=FIRST, neutral=FIRST), NO),
    # without a time a word counts as the oldest
    (ConsentWords(subscribed_at=OLDEST), MAY),
    (ConsentWords(subscribed_at=OLDEST, opted_out_at=OLDEST), OUT),
    (ConsentWords(subscribed_at=OLDEST, opted_out_at=at(FIRST)), OUT),
    (ConsentWords(opted_out_at=OLDEST, subscribed_at=at(FIRST)), MAY),
    (ConsentWords(opted_out_at=OLDEST, checkbox_at=at(FIRST)), OUT),
])  # fmt: skip
def test_the_newest_word_holds(said: ConsentWords, answer: str | None) -> None:
    assert marketing_refusal(said, "consent", "GB") == answer


@pytest.mark.parametrize(("said", "policy", "country", "answer"), [
    (words(), "soft_opt_in", "GB", MAY),
    (words(), "soft_opt_in", "KR", MAY),
    (words(), "soft_opt_in", "JP", NO),  # not on the list
    (words(), "soft_opt_in", None, NO),  # not known
    (words(), "consent", "GB", NO),  # the default
    (words(neutral=FIRST), "soft_opt_in", "GB", MAY),  # never asked is no opt-out
    (words(opted_out=FIRST), "soft_opt_in", "GB", OUT),
    (words(opted_out=FIRST, checkbox=SECOND), "soft_opt_in", "GB", OUT),
    (words(checkbox=FIRST), "soft_opt_in", "JP", MAY),
])  # fmt: skip
def test_soft_opt_in(said: ConsentWords, policy: str, country: str | None, answer: str | None) -> None:
    assert marketing_refusal(said, policy, country) == answer


def test_the_list_of_countries_is_of_codes() -> None:
    assert all(len(code) == 2 and code.isupper() for code in SOFT_OPT_IN)


KINDS = ("subscribed_at", "opted_out_at", "checkbox_at", "neutral_at")
MOMENTS = st.integers(1, 9).map(lambda day: at(f"{day} Nov 09:00"))
SAID = st.lists(st.tuples(st.sampled_from(KINDS), MOMENTS), max_size=8)


def merged(said: list[tuple[str, object]]) -> ConsentWords:
    """As the store keeps them: the newest moment of each kind."""
    newest: dict[str, object] = {}
    for kind, moment in said:
        newest[kind] = max(newest.get(kind, moment), moment)  # type: ignore[type-var]
    return ConsentWords(**newest)  # type: ignore[arg-type]


@given(SAID, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_words_matters(said: list[tuple[str, object]], random: object) -> None:
    again = [*said, *said[: len(said) // 2]]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert merged(again) == merged(said)


@given(SAID)
def test_the_newest_of_each_kind_is_enough_to_know_the_answer(said: list[tuple[str, object]]) -> None:
    """Told one by one in the order of their time, the words lead to the same answer as their merged moments."""
    opted_out = consented = False
    rank = {"subscribed_at": 0, "checkbox_at": 0, "neutral_at": 1, "opted_out_at": 2}  # ties
    for kind, _ in sorted(said, key=lambda word: (word[1], rank[word[0]])):
        if kind == "opted_out_at":
            opted_out, consented = True, False
        elif kind == "subscribed_at":
            opted_out, consented = False, True
        elif kind == "neutral_at":
            consented = False
        elif not opted_out:
            consented = True
    words_ = merged(said)
    assert words_.opted_out == opted_out
    assert not words_.consented or not opted_out
    if consented:
        assert words_.consented


@pytest.mark.parametrize("said", [
    words(checkbox=SECOND, opted_out=FIRST, subscribed=THIRD, neutral=THIRD),
    words(checkbox=THIRD, opted_out=SECOND, subscribed=FIRST),
])  # fmt: skip
def test_no_consent_beside_an_opt_out_or_a_newer_doubt(said: ConsentWords) -> None:
    assert not said.consented


@given(SAID)
def test_an_opt_out_is_lifted_by_a_later_subscription_only(said: list[tuple[str, object]]) -> None:
    out = merged([*said, ("opted_out_at", at("10 Nov 09:00"))])
    assert out.opted_out
    assert merged([*said, ("opted_out_at", at("10 Nov 09:00")), ("checkbox_at", at("11 Nov 09:00"))]).opted_out
    assert not merged([*said, ("opted_out_at", at("10 Nov 09:00")), ("subscribed_at", at("11 Nov 09:00"))]).opted_out
