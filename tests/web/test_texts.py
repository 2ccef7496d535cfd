from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.content.colours import contrast
from plugin.web import texts
from plugin.web.colours import AA, NIGHT, PAPER, checked, readable

TEMPLATES = Path(texts.__file__).parent / "templates" / "customer"
CSS = (Path(texts.__file__).parent / "static" / "customer.css").read_text()


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things_with_the_same_values():
    english, korean = texts.CATALOGUES["en"], texts.CATALOGUES["ko"]
    assert set(english) == set(korean)
    assert {key: fields(value) for key, value in english.items()} == {key: fields(v) for key, v in korean.items()}


def test_korean_is_korean_and_no_particle_follows_a_value():
    for key, value in texts.CATALOGUES["ko"].items():
        assert re.search("[가-힣]", value), key
        assert not re.search(r"\}(은|는|이|가|을|를|과|와|으로|로)(\s|$)|을\(를\)|이\(가\)", value), key


def test_every_text_is_used():
    sources = "".join(path.read_text() for path in TEMPLATES.glob("*.html"))
    pages = ("customer.py", "survey.py", "survey_form.py", "token_pages.py")
    sources += "".join((Path(texts.__file__).parent / name).read_text() for name in pages)
    for key in texts.CATALOGUES["en"]:
        stem = re.sub(r"_(\d+|yes|not_yet)(_lead)?$", "_", key)  # as in t("survey_%d" % n)
        assert f'"{key}"' in sources or f'"{stem}' in sources, key


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_links_in_any_colour_can_be_read(colour):
    for ground in (PAPER, NIGHT):
        assert contrast(readable(colour, ground), ground) >= AA


@pytest.mark.parametrize("colour", [None, "", "red", "#12", "#12345g", "#1234567", "url(x)"])
def test_what_is_no_colour_is_the_default(colour):
    assert checked(colour) == "#1f5f5b"


@pytest.mark.parametrize("dark", [False, True])
def test_the_stylesheets_own_colours_reach_aa(dark):
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    values = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[1 if dark else 0]))
    assert values["card"] == (NIGHT if dark else PAPER)
    for text, ground in [
        ("ink", "card"), ("ink", "ground"), ("quiet", "card"), ("quiet", "ground"), ("quiet", "note"), ("ink", "note"),
        ("wrong", "card"), ("wrong", "wrong-ground"),
    ]:  # fmt: skip
        assert contrast(values[text], values[ground]) >= AA, (text, ground)
    assert contrast(values["edge"], values["card"]) >= 3
