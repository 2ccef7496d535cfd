"""From a `MessageView` to a finished mail body."""

from __future__ import annotations

from markupsafe import Markup

from plugin.content.context import is_marketing, merchant_values, template_values
from plugin.content.merchant_liquid import opening_of, subject_of
from plugin.content.model import MessageView, Rendered
from plugin.content.safe_text import subject_line
from plugin.content.templates import step_templates
from plugin.content.wrapping import wrapped

_ADVERTISEMENT = "(광고)"  # what Korean law has the subject of advertising begin with


def render(view: MessageView) -> Rendered:
    """The subject, HTML and plain text of one message, in Korean for Korean locales and else in English.

    The merchant's own subject and opening are used where they render; a mistake in them falls back to ours. KeyError
    for a step that has no message.
    """
    values = template_values(view)
    templates = step_templates(view.step, values["language"])
    own = merchant_values(view, values) if view.subject or view.intro else {}
    subject = subject_of(view.subject, own) if view.subject else None
    subject = subject or subject_line(templates.subject(values)) or values["order_name"]
    if is_marketing(view) and values["language"] == "ko" and not subject.startswith(_ADVERTISEMENT):
        subject = f"{_ADVERTISEMENT} {subject}"
    opening = opening_of(view.intro, own) if view.intro else None
    values["subject"] = subject
    values["opening"] = Markup(opening[0]) if opening else None  # cleaned by nh3
    values["opening_text"] = opening[1] if opening else None
    return Rendered(
        subject=subject,
        html=templates.html(values),
        text=wrapped(templates.text(values)),
    )
