"""No message promises another one that the merchant switched off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.content.preview import samples
from plugin.content.render import render

PROMISES = {
    "en": {"thank_you": "we write again with the tracking number", "shipped": "we write once more"},
    "ko": {"thank_you": "운송장 번호를 메일로 다시 알려", "shipped": "메일을 한 번 더"},
}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("step", ["thank_you", "shipped"])
def test_the_next_message_is_announced_only_where_it_will_come(step: str, language: str) -> None:
    view, promise = samples()[f"{step}.{language}"], PROMISES[language][step]
    assert promise in " ".join(render(view).text.split())
    silent = render(replace(view, tells_shipped=False, tells_delivered=False))
    assert promise not in " ".join(silent.text.split())
    assert promise not in silent.html


def test_a_digital_order_is_told_of_a_second_mail_only_where_it_will_come() -> None:
    view = samples()["thank_you-digital.en"]
    assert "We write again" in render(view).html
    assert "We write again" not in render(replace(view, tells_delivered=False)).html
