"""Our templates as Python functions say what python-liquid says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from liquid import Environment
from markupsafe import Markup

from plugin.content.compiled import Unknown, compiled
from plugin.content.context import template_values
from plugin.content.model import MessageView
from plugin.content.preview import samples
from plugin.content.templates import parsed_templates, step_templates

SAMPLES = samples()


def _variants() -> list[MessageView]:
    """Every sample, and each with less known: what is missing takes other branches."""
    bare = {"first_name": None, "status_url": None, "window": None, "total": None, "enjoyed": None}
    silent = {"tells_shipped": False, "tells_delivered": False, "more_parcels": True, "survey_minutes": 5}
    hostile = {"first_name": "<b>&\"'", "order_name": "{{ x }} <1>", "enjoyed": "\u202e<script>"}
    return [replace(view, **changes) for view in SAMPLES.values() for changes in ({}, bare, silent, hostile)]  # type: ignore[arg-type]


def test_a_message_is_what_liquid_makes_of_it() -> None:
    for view in _variants():
        for opening in (None, ("<em>Hi</em> & welcome", "Hi & welcome")):
            values = template_values(view) | {
                "subject": "A < B & C", "opening": Markup(opening[0]) if opening else None,
                "opening_text": opening[1] if opening else None,
            }  # fmt: skip
            ours = step_templates(view.step, values["language"])
            for part, template in parsed_templates(view.step, values["language"]).items():
                assert getattr(ours, part)(values) == template.render(values), (view.step, part)


@pytest.mark.parametrize(
    "source",
    [
        "{{ a }}{{ b.c }}{{ none }}{{ number }}{{ yes }}{{ items }}",
        "{% if none %}1{% elsif zero %}2{% else %}3{% endif %}{% if hollow %}4{% endif %}{% if no %}5{% endif %}",
        "{% unless none %}1{% else %}2{% endunless %}{% unless yes %}3{% endunless %}",
        "{% if yes and none or a %}1{% endif %}{% if no or none %}2{% endif %}{% if no == false %}3{% endif %}",
        "{% for x in items limit: 2 %}{{ x }}{% for y in items %}{{ forloop.index }}{% endfor %}{{ x }}{% endfor %}",
        "{% for x in none %}1{% endfor %}{{ items.size }}",
        "{% for x in items %}{% assign it = x %}{% assign nothing = nil %}{{ it }}{{ nothing }}{% endfor %}{{ it }}",
        "{% if yes %} \n {% endif %}|{% if yes %} {% assign kept = a %} {% endif %}{{ kept }}",
    ],
)
@pytest.mark.parametrize("escaping", [True, False])
def test_the_words_of_liquid_that_we_use(source: str, escaping: bool) -> None:
    values: dict[str, Any] = {
        "a": "<a> & 'b'", "b": {"c": Markup("<b>")}, "none": None, "number": 3, "zero": 0, "hollow": "", "yes": True,
        "no": False, "items": ["<x>", "y", "z"],
    }  # fmt: skip
    template = Environment(autoescape=escaping).from_string(source)
    assert compiled(template)(values) == template.render(values)


@pytest.mark.parametrize(
    "source",
    ["{{ a | upcase }}", "{% capture x %}{% endcapture %}", "{% if a contains b %}{% endif %}", "{{ a[0] }}",
     "{% for x in a reversed %}{% endfor %}", "{% for x in a %}{% else %}{% endfor %}", "{% assign a-b = 1 %}",
     "{% case a %}{% when 1 %}{% endcase %}"],
)  # fmt: skip
def test_what_we_do_not_use_is_refused(source: str) -> None:
    with pytest.raises(Unknown):
        compiled(Environment().from_string(source))


def test_a_value_that_nobody_gives_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        compiled(Environment().from_string("{{ nobody }}"))({})
