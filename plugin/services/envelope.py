"""What is on a message's mail besides its text: whom it is from and to, and its names for mailboxes and providers."""

from __future__ import annotations

from datetime import datetime

from plugin.channels.email.mime import Mail, message_id
from plugin.channels.email.providers.marks import marks
from plugin.content.formats import text_language
from plugin.content.model import MessageView, Rendered
from plugin.domain.flows import MessageClass
from plugin.services.compose import sender_of
from plugin.services.context import Context
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings


def message_key(shop: Shop, message: Message) -> str:
    """The message's name for ever: the same in every try, so that mailboxes can tell a repetition."""
    parts = (shop.code, message.flow, message.step, message.subject, message.channel, str(message.copy))
    return "/".join(parts)


def mail_of(
    ctx: Context, shop: Shop, settings: ShopSettings, order: Order, message: Message, view: MessageView,
    rendered: Rendered, message_class: MessageClass, now: datetime,
) -> Mail:  # fmt: skip
    """The message as a mail to its order's address."""
    sender, key = sender_of(shop, settings), message_key(shop, message)
    return Mail(
        key=key,
        message_id=message_id(key, sender.address.rpartition("@")[2]),
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=sender.reply_to,
        to=order.email or "",
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        feedback_id=f"{message.step}:{message.flow}:{message_class}:{shop.code}",
        list_unsubscribe_url=None if message_class is MessageClass.TRANSACTIONAL else view.links.unsubscribe,
        language=text_language(view.locale),
        date=now,
        marks=marks(ctx.settings.email_webhooks, key),
    )
