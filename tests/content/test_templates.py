"""The compiler of templates, and the catalogues of words."""

from __future__ import annotations

import re

import pytest

from plugin.content.templates import LANGUAGES, STEPS, compile_mjml, step_templates, words_of

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")


def _body(inner: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    "liquid",
    ["{{ name }}", "{% if a < b and c > 2 %}", '{{ name | default: "x" }}', "{{ a | append: '&' }}", "{%- endif -%}"],
)
@pytest.mark.parametrize(
    "around",
    [
        "<mj-text>%s</mj-text>",
        "<mj-raw>%s</mj-raw><mj-text>x</mj-text>",
        '<mj-button href="%s">go</mj-button>',
        '<mj-button background-color="%s">go</mj-button>',
        "<mj-table>%s<tr><td>x</td></tr></mj-table>",
    ],
)
def test_liquid_survives_mjml(around: str, liquid: str) -> None:
    compiled = compile_mjml(_body(around % liquid))
    assert liquid in compiled
    assert "LQ" not in compiled


def test_a_loop_around_a_button_stands_between_its_rows() -> None:
    compiled = compile_mjml(
        _body("<mj-raw>{% for x in y %}</mj-raw><mj-text>{{ x }}</mj-text><mj-raw>{% endfor %}</mj-raw>")
    )
    looped = compiled[compiled.index("{% for x in y %}") + 16 : compiled.index("{% endfor %}")].strip()
    assert looped.startswith("<tr>")
    assert looped.endswith("</tr>")


def test_templates_include_nothing() -> None:
    with pytest.raises(ValueError, match=r"include|parse"):
        compile_mjml('<mjml><mj-body><mj-include path="/etc/hostname" /></mj-body></mjml>')


def test_what_is_not_mjml_is_refused() -> None:
    with pytest.raises(ValueError, match="root template"):
        compile_mjml("<mjml><mj-body><mj-text>x</mj-body></mjml>")


@pytest.mark.parametrize(("step", "language"), [("newsletter", "en"), ("survey", "fr"), ("../survey", "en")])
def test_an_unknown_message_is_a_key_error(step: str, language: str) -> None:
    with pytest.raises(KeyError):
        step_templates(step, language)


def test_a_template_is_compiled_once() -> None:
    assert step_templates("survey", "en") is step_templates("survey", "en")


def test_the_languages_say_the_same_things() -> None:
    english = {(section, key) for section, words in words_of("en").items() for key in words}
    korean = {(section, key) for section, words in words_of("ko").items() for key in words}
    # A step may have a wording of its own for a common text in one language only.
    common = {key for section, key in english if section == "common"}
    assert {pair for pair in english ^ korean if pair[1] not in common} == set()
    assert set(words_of("en")) == {"common", *STEPS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_hold_no_markup(language: str) -> None:
    for section, words in words_of(language).items():
        for key, text in words.items():
            literal = _TAG.sub("", text)
            assert not set(literal) & set("<>&\"'{}"), (section, key)
            assert "\n" not in text, (section, key)


def test_korean_words_attach_no_particle_to_a_value() -> None:
    particle = re.compile(r"\}\}”?(?:은|는|이|가|을|를|과|와|으로|로)(?![가-힣])")
    assert [text for words in words_of("ko").values() for text in words.values() if particle.search(text)] == []
