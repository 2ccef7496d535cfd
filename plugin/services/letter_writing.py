"""What a desk's letter says: an acknowledgement, the merchant's reply, or the question whether it is solved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from babel.dates import format_time, get_timezone_location
from sqlalchemy.orm import Session

from plugin.channels.email.mime import Mail, build, message_id
from plugin.channels.email.providers.marks import marks
from plugin.content.formats import customer_name, day, parse_locale, text_language
from plugin.content.model import ShopView
from plugin.content.safe_text import one_line, safe_url
from plugin.domain.desk_hours import working_day_after
from plugin.domain.zones import zone_for
from plugin.services.compose import sender_of, shop_view
from plugin.services.context import Context
from plugin.services.desk_hours import hours_of
from plugin.services.issue_opening import ACKNOWLEDGEMENT, FEEDBACK, LOW_RATING, REPLY
from plugin.services.letter_texts import TEXTS
from plugin.store.models.customers import Issue
from plugin.store.models.desk import DeskLetter
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.tokens import SOLVED
from schemas.settings import load_settings

FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI','Apple SD Gothic Neo','Malgun Gothic',sans-serif"
Part = str | tuple[str, str]  # a paragraph, or a link: (its words, its address)


def letter_key(shop: Shop, letter: DeskLetter) -> str:
    """The letter's name for ever, so that a mailbox can tell a repetition."""
    return f"{shop.code}/issue/{letter.issue_id}/{letter.kind}/{letter.number}"


def write(
    session: Session, ctx: Context, letter: DeskLetter, issue: Issue, order: Order, shop: Shop,
    earlier: Sequence[DeskLetter],
) -> tuple[str, bytes]:  # fmt: skip
    """(sender's address, the mail). `earlier`: the letters about the issue that were sent, which it follows in the
    customer's mailbox. Raises Permanent and Retryable as `mime.build` does."""
    settings = load_settings(shop.settings)
    view, sender = shop_view(shop, settings), sender_of(shop, settings)
    locale = order.locale or settings.language or shop.locale or "en"
    language = text_language(locale)
    words = TEXTS[language]
    name = customer_name(order.first_name, order.last_name, locale)
    order_name = one_line(order.name, 40) or order.platform_id
    subject, parts = _content(session, ctx, letter, issue, order, shop, view, words, locale, order_name)
    if letter.kind != REPLY:
        parts = [words["hello"].format(name=name) if name else words["hello_nobody"], *parts]
    service = _service(view, words)
    key, domain = letter_key(shop, letter), sender.address.rpartition("@")[2]
    mail = Mail(
        key=key,
        message_id=message_id(key, domain),
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=sender.reply_to,
        to=order.email or "",
        subject=subject,
        text="\n\n".join([*(_plain(part) for part in parts), "\n".join(["--", view.name, *service])]) + "\n",
        html=_html(parts, service, view, language),
        feedback_id=f"{letter.kind}:service_desk:transactional:{shop.code}",
        language=language,
        date=ctx.clock.now(),
        marks=marks(ctx.settings.email_webhooks, key),
    )
    before = [message_id(letter_key(shop, one), domain) for one in earlier]
    thread = f"In-Reply-To: {before[-1]}\r\nReferences: {' '.join(before[-5:])}\r\n" if before else ""
    return sender.address, thread.encode() + build(mail)


def _content(
    session: Session, ctx: Context, letter: DeskLetter, issue: Issue, order: Order, shop: Shop, view: ShopView,
    words: dict[str, str], locale: str, order_name: str,
) -> tuple[str, list[Part]]:  # fmt: skip
    kind = issue.kind if issue.kind in (LOW_RATING, FEEDBACK) else "not_arrived"
    heard = words[f"subject_{kind}"].format(order=order_name)
    if letter.kind == REPLY:
        paragraphs: list[Part] = [*(letter.words or "").replace("\r\n", "\n").split("\n\n")]
        return words["subject_reply"].format(subject=heard), paragraphs
    if letter.kind == ACKNOWLEDGEMENT:
        said = words[f"heard_{kind}"].format(order=order_name, shop=view.name)
        return heard, [said, f"{_promise(session, issue, order, shop, words, locale)} {words['quiet']}", words["more"]]
    link = f"{ctx.settings.public_url}/d/issue/{ctx.tokens.make(SOLVED, issue.id, letter.number)}"
    outcome = issue.outcome if issue.outcome in ("arrived", "lost") else "settled"
    return words["subject_solved"].format(order=order_name), [
        words[f"solved_{outcome}"].format(order=order_name),
        words["solved_ask"],
        (words["solved_yes"], f"{link}?solved=yes"),
        (words["solved_no"], f"{link}?solved=no"),
        words["solved_next"],
    ]


def _promise(session: Session, issue: Issue, order: Order, shop: Shop, words: dict[str, str], locale: str) -> str:
    """Until when an answer comes: to the minute where the shop told its hours, else by the end of a working day."""
    hours = hours_of(session, shop)
    if hours.told and issue.reply_by:
        zone = zone_for(order.country_code, shop.timezone)
        city = get_timezone_location(zone.key, locale=parse_locale(text_language(locale)), return_city=True)
        return words["by"].format(when=_moment(issue.reply_by, zone, locale), zone=city)
    last = working_day_after(hours, issue.reopened_at or issue.opened_at)
    return words["by_day"].format(when=day(last.astimezone(hours.zone).date(), locale))


def _moment(at: datetime, zone: ZoneInfo, locale: str) -> str:
    local = at.astimezone(zone)
    return f"{day(local.date(), locale)} {format_time(local, 'HH:mm', tzinfo=zone, locale=parse_locale(locale))}"


def _service(view: ShopView, words: dict[str, str]) -> list[str]:
    """How else the shop can be reached."""
    lines = [words["service"].format(shop=view.name)]
    if view.support_phone:
        key = "phone_hours" if view.support_hours else "phone"
        lines.append(words[key].format(phone=view.support_phone, hours=view.support_hours))
    if view.help_url:
        lines.append(words["help"].format(url=view.help_url))
    return lines


def _plain(part: Part) -> str:
    return part if isinstance(part, str) else f"{part[0]}: {part[1]}"


def _html(parts: Sequence[Part], service: Sequence[str], view: ShopView, language: str) -> str:
    body = "".join(_paragraph(part, view.colour) for part in parts)
    foot = "<br>".join(escape(line) for line in service)
    logo = safe_url(view.logo_url)
    head = f'<img src="{escape(logo)}" alt="{escape(view.name)}" height="40">' if logo else escape(view.name)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"></head>'
        '<body style="margin:0;padding:16px;background:#f4f4f1">'
        f'<div style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-top:4px solid {view.colour};'
        f'font:16px/1.6 {FONT};color:#1c1c1a">'
        f'<p style="margin:0 0 20px;font-weight:600">{head}</p>{body}'
        f'<p style="margin:24px 0 0;padding-top:16px;border-top:1px solid #e4e4df;font-size:14px;color:#5c5c57">{foot}'
        "</p></div></body></html>"
    )


def _paragraph(part: Part, colour: str) -> str:
    if isinstance(part, str):
        return f'<p style="margin:0 0 16px">{escape(part).replace(chr(10), "<br>")}</p>'
    words, address = part
    return (
        f'<p style="margin:0 0 12px"><a href="{escape(address)}" style="display:inline-block;padding:12px 20px;'
        f'border:2px solid {colour};border-radius:8px;color:{colour};text-decoration:none;font-weight:600">'
        f"{escape(words)}</a></p>"
    )
