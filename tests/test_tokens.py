"""Tokens are signed by hand, in the form that itsdangerous gives them."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeSerializer

from plugin.tokens import ARRIVAL, CLICK, SURVEY, UNSUBSCRIBE, BadToken, Tokens

SECRET = "x" * 48
VALUES: list[tuple[int | str, ...]] = [
    (1,),
    (12345, ""),
    (7, "4501"),
    (7, "https://shop.example/products/차-1?a=\"b\""),
    (7, "https://shop.example/" + "long-" * 80),
]


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("purpose", [UNSUBSCRIBE, SURVEY, ARRIVAL, CLICK])
def test_a_token_is_the_serializers_own(purpose: str, values: tuple[int | str, ...]) -> None:
    tokens = Tokens(SECRET)
    token = tokens.make(purpose, *values)
    assert token == URLSafeSerializer(SECRET, salt=f"dasi.{purpose}").dumps(list(values))
    assert tokens.read(purpose, token) == list(values)


def test_a_token_of_another_page_or_key_is_none() -> None:
    token = Tokens(SECRET).make(SURVEY, 7)
    for reader, purpose in ((Tokens(SECRET), CLICK), (Tokens("y" * 48), SURVEY)):
        with pytest.raises(BadToken):
            reader.read(purpose, token)
    with pytest.raises(BadToken):
        Tokens(SECRET).read(SURVEY, token[:-1])
