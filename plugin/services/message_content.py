"""What a message says: as it left, or as it would look now. For showing only: nothing in it can be tapped."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from sqlalchemy.orm import Session

from plugin.content.model import Why
from plugin.content.render import render
from plugin.domain import gates
from plugin.domain.consent import ConsentWords
from plugin.domain.flows import LEFT
from plugin.services.acts import NoSuchMessage
from plugin.services.archive import find_message
from plugin.services.bodies import read_body
from plugin.services.compose import compose
from plugin.services.context import Context
from plugin.services.desk import lay_out
from plugin.services.leave import go
from plugin.services.opens import without_pixel
from plugin.store.models.messages import Message

# Nothing of a mail needs these; in a mail that a merchant's template spoilt they might do something.
_DROPPED = frozenset(
    {"script", "iframe", "frame", "object", "embed", "base", "link", "meta", "form", "input", "button"}
)
_LINKS = frozenset({"a", "area"})
_WITHOUT = frozenset({"href", "target", "ping", "download"})


@dataclass(frozen=True, slots=True)
class Shown:
    """`sent`: as it left; else how it would look now. `html` may be shown in a frame. `why`: of what it suggests."""

    subject: str
    html: str
    sent: bool
    why: tuple[Why, ...] = ()


def message_content(session: Session, ctx: Context, shop_id: int, message_id: int) -> Shown | None:
    """None when what left is no longer kept, or the customer's data is gone. Raises NoSuchMessage."""
    message = find_message(session, message_id)
    if message is None or message.shop_id != shop_id:
        raise NoSuchMessage(message_id)
    if not isinstance(message, Message) or message.state in LEFT:
        body = read_body(session, ctx, message_id)
        return Shown(body.subject, inert(without_pixel(body.html)), True, body.why) if body else None
    desk = lay_out(session, [message])
    shop, order = desk.shops[message.shop_id], desk.orders[message.order_id]
    if order.redacted_at:
        return None
    settings = desk.settings_of(shop)
    facts = gates.GateFacts(
        settings=settings,
        consent=desk.consents.get((shop.id, order.address or ""), ConsentWords()),
        country_code=order.country_code,
    )
    leaves = go(shop, settings, message.step, sells=gates.may_not_market(facts) is None)
    view = compose(desk, ctx, shop, settings, order, message, leaves)
    rendered, why = render(view), tuple(product.why for product in view.products if product.why)
    return Shown(rendered.subject, inert(without_pixel(rendered.html)), False, why)


def inert(html: str) -> str:
    """The HTML without anything that leads away, asks for something or runs."""
    parser = _Inert()
    parser.feed(html)
    parser.close()
    return "".join(parser.kept)


class _Inert(HTMLParser):
    """Copies what it reads. Comments go too: those of mail programs hold markup for them alone."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self._inside: str | None = None  # a dropped element whose content is no text either

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._inside = tag if tag in ("script", "object") else self._inside
        elif self._inside is None:
            self.kept.append(self._as_it_was(tag, attrs))

    def _as_it_was(self, tag: str, attrs: list[tuple[str, str | None]]) -> str:
        if tag in _LINKS or any(name.startswith("on") for name, _ in attrs):
            return _rewritten(tag, attrs)
        return self.get_starttag_text() or ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _DROPPED and self._inside is None:
            self.kept.append(self._as_it_was(tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None
        elif tag not in _DROPPED and self._inside is None:
            self.kept.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            self.kept.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.kept.append(f"<!{decl}>")


def _rewritten(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    kept = [(name, value) for name, value in attrs if name not in _WITHOUT and not name.startswith("on")]
    told = [f'{name}="{escape(value or "")}"' for name, value in kept]
    return f"<{' '.join([tag, *told])}>"
