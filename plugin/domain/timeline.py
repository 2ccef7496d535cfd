"""The plan: from everything known about an order to the complete list of messages it should get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from plugin.domain import gates
from plugin.domain.complaints import mended, unless_unhappy
from plugin.domain.delivery_estimate import Delivery, NoDelivery, delivery_of, last_delivery
from plugin.domain.flows import State
from plugin.domain.history import Act, History, Parcel
from plugin.domain.holdout import KEPT_OUT, TO_BE_KEPT_OUT
from plugin.domain.joined_parcels import groups, shipped_due
from plugin.domain.planned import Planned as Planned
from schemas.settings import ShopSettings

AFTER_DELIVERY = timedelta(days=1)  # a cross-sell never comes sooner after the last delivery


def plan(settings: ShopSettings, history: History) -> tuple[Planned, ...]:
    """Every message of the order: when it is due, or what it waits for, or why it is withheld.

    An order placed before the installation is history: it gets no plan. What already left is in the plan as well, as it
    would be planned today; reconcile leaves those rows alone.
    """
    if history.order.placed_at < history.installed_at:
        return ()
    settings = settings.at(history.order.placed_at)
    messages = [
        *_order_steps(settings, history),
        *_parcel_steps(settings, history),
        *_after_delivery(settings, history),
        *mended(history),
    ]
    if history.acts:
        messages = [_with_acts(message, history.acts) for message in [*messages, *_copies(messages, history.acts)]]
    return _gated(messages, gates.facts_of(settings, history), history)


def plan_mended(settings: ShopSettings, history: History) -> tuple[Planned, ...]:
    """Of the plan only what tells of mendings: the same messages, without what was done to them by hand."""
    return _gated(mended(history), gates.facts_of(settings.at(history.order.placed_at), history), history)


def _order_steps(settings: ShopSettings, history: History) -> Iterator[Planned]:
    order = history.order
    due = order.placed_at + timedelta(minutes=settings.delay_minutes("thank_you"))
    message = Planned(step="thank_you", subject=order.order_id, state=State.PLANNED, due_at=due,
                      reason="due when the order is placed")  # fmt: skip
    yield _unless_ended(history, message)


def _unless_ended(history: History, message: Planned) -> Planned:
    if history.order.ended:
        return message.in_state(State.CANCELLED, history.order.ended)
    return message


# -- parcels ----------------------------------------------------------------------------------------------------------
def _parcel_steps(settings: ShopSettings, history: History) -> Iterator[Planned]:
    order = history.order
    no_shipping = _why_not_shipped(history)
    parcels = sorted(_physical(history), key=lambda p: (p.shipped_at, p.parcel_id))
    if no_shipping:
        yield Planned(step="shipped", subject=order.order_id, state=State.WITHHELD, reason=no_shipping)
    elif parcels:
        yield from _shipped(settings, history, parcels)
    else:
        yield _waiting_for_parcel(history, "shipped", "waits for shipping")
    if order.pos:
        yield Planned(step="delivered", subject=order.order_id, state=State.WITHHELD, reason="handed over in the shop")
        return
    on_fulfillment = bool(no_shipping)
    arriving = [p for p in history.parcels if p.on_its_way] if on_fulfillment else parcels
    for parcel in sorted(arriving, key=lambda p: (p.shipped_at, p.parcel_id)):
        yield _delivered(settings, history, parcel, on_fulfillment)
    if not arriving:
        yield _waiting_for_parcel(history, "delivered", "waits for shipping")
    for parcel in history.parcels:
        if not parcel.on_its_way:
            for step in ("shipped", "delivered"):
                yield Planned(step=step, subject=parcel.parcel_id, state=State.CANCELLED,
                              reason="this shipment was called off")  # fmt: skip


def _waiting_for_parcel(history: History, step: str, reason: str) -> Planned:
    return _unless_ended(
        history, Planned(step=step, subject=history.order.order_id, state=State.WAITING, reason=reason)
    )


def _why_not_shipped(history: History) -> str | None:
    order = history.order
    if order.pos:
        return "bought in the shop: nothing is shipped"
    if order.pickup:
        return "picked up by the customer: nothing is shipped"
    physical = [line for line in order.lines if line.requires_shipping]
    if not physical:
        return "a digital order: nothing is shipped"
    if not order.ended and not any(line.remaining for line in physical) and not _physical(history):
        return "nothing is left to be shipped"
    return None


def _physical(history: History) -> list[Parcel]:
    """Parcels under way that hold something that is shipped; a mixed order follows its physical lines."""
    shipped = {line.line_id for line in history.order.lines if line.requires_shipping}
    known = {line.line_id for line in history.order.lines}
    return [
        p
        for p in history.parcels
        if p.on_its_way and (not p.lines or any(i in shipped or i not in known for i, _ in p.lines))
    ]


def _shipped(settings: ShopSettings, history: History, parcels: list[Parcel]) -> Iterator[Planned]:
    """Messages that left keep what they told; parcels nobody was told of share one message, as long as it can go."""
    told = {p: m.subject for m in history.left if (m.step, m.copy) == ("shipped", 0) for p in m.parcels}
    joined = groups(settings, history.acts, [p for p in parcels if p.parcel_id not in told])
    told |= {p.parcel_id: group[0].parcel_id for group in joined for p in group}
    due = {group[0].parcel_id: shipped_due(settings, group) for group in joined}
    for parcel in parcels:
        teller = told[parcel.parcel_id]
        if teller != parcel.parcel_id:
            name = next((p.name for p in parcels if p.parcel_id == teller), None) or teller
            yield Planned(step="shipped", subject=parcel.parcel_id, state=State.CANCELLED,
                          reason=f"told with {name}", parcels=(parcel.parcel_id,))  # fmt: skip
            continue
        due_at, reason = due.get(teller, (parcel.shipped_at, "left"))
        yield Planned(step="shipped", subject=teller, state=State.PLANNED, due_at=due_at, reason=reason,
                      parcels=tuple(p for p, by in told.items() if by == teller))  # fmt: skip


def _delivered(settings: ShopSettings, history: History, parcel: Parcel, on_fulfillment: bool) -> Planned:
    yes = [a.at for a in history.answers if a.arrived and a.parcel_id == parcel.parcel_id]
    at, reason, estimated = parcel.delivered_at, "due when the carrier delivers", False
    if at is None and yes:
        at, reason = min(yes), "the customer says that it arrived"
    if at is None and on_fulfillment:
        at, reason = parcel.shipped_at, "due when the order is fulfilled"
    if at is None and parcel.estimated_at:
        at, reason, estimated = parcel.estimated_at, "asks at the expected delivery unless the carrier reports it", True
    about = (parcel.parcel_id,)
    if at is None:
        return Planned(step="delivered", subject=parcel.parcel_id, state=State.WAITING, reason="waits for delivery",
                       parcels=about)  # fmt: skip
    due = at + timedelta(minutes=settings.delay_minutes("delivered"))
    return Planned(step="delivered", subject=parcel.parcel_id, state=State.PLANNED, due_at=due, reason=reason,
                   parcels=about, estimated=estimated)  # fmt: skip


# -- after delivery ---------------------------------------------------------------------------------------------------
def _after_delivery(settings: ShopSettings, history: History) -> Iterator[Planned]:
    delivery = _last_delivery_of(history)
    order_id = history.order.order_id
    yield _unless_ended(history, _survey(settings, order_id, delivery))
    if history.earned:
        reward = Planned(step="survey_reward", subject=order_id, state=State.PLANNED, due_at=history.earned.at,
                         reason="due when the survey is completed")  # fmt: skip
        yield _unless_ended(history, reward)
    cross_sell = _unless_ended(history, _cross_sell(settings, history, delivery))
    follow_up = _unless_ended(history, _follow_up(settings, history, cross_sell, delivery))
    for message in (cross_sell, follow_up):
        yield _unless_bought_again(history, unless_unhappy(history, message))


def _last_delivery_of(history: History) -> Delivery | NoDelivery:
    order = history.order
    on_fulfillment = _why_not_shipped(history) is not None
    lines = [line for line in order.lines if line.remaining > 0]
    if not on_fulfillment and any(line.requires_shipping for line in lines):
        lines = [line for line in lines if line.requires_shipping]
    else:
        on_fulfillment = True  # what is left of the order needs no carrier
    wanted = {line.line_id: line.remaining for line in lines}
    return last_delivery(
        wanted,
        [(p, delivery_of(p, history.answers, history.issues, on_fulfillment)) for p in history.parcels if p.on_its_way],
    )


def _not_yet(step: str, order_id: str, delivery: NoDelivery) -> Planned:
    state = {"open": State.HELD, "lost": State.WITHHELD}.get(delivery.issue or "", State.WAITING)
    return Planned(step=step, subject=order_id, state=state, reason=delivery.reason)


def _survey(settings: ShopSettings, order_id: str, delivery: Delivery | NoDelivery) -> Planned:
    if isinstance(delivery, NoDelivery):
        return _not_yet("survey", order_id, delivery)
    due = max(delivery.at + timedelta(minutes=settings.delay_minutes("survey")), delivery.not_before)
    return Planned(step="survey", subject=order_id, state=State.PLANNED, due_at=due, estimated=delivery.estimated,
                   reason="due after the last delivery")  # fmt: skip


def _cross_sell(settings: ShopSettings, history: History, delivery: Delivery | NoDelivery) -> Planned:
    if isinstance(delivery, NoDelivery):
        return _not_yet("cross_sell", history.order.order_id, delivery)
    due = max(
        history.order.placed_at + timedelta(minutes=settings.delay_minutes("cross_sell")),
        delivery.at + AFTER_DELIVERY,
        delivery.not_before,
    )
    return Planned(step="cross_sell", subject=history.order.order_id, state=State.PLANNED, due_at=due,
                   estimated=delivery.estimated,
                   reason="due a week after the order and a day after delivery")  # fmt: skip


def _follow_up(
    settings: ShopSettings, history: History, cross_sell: Planned, delivery: Delivery | NoDelivery
) -> Planned:
    message = Planned(step="cross_sell_follow_up", subject=history.order.order_id, state=State.WAITING,
                      reason="waits for the cross-sell")  # fmt: skip
    left = [m for m in history.left if m.step == "cross_sell"]
    if sent := [m.at for m in left if m.state is State.SENT and m.at]:
        if isinstance(delivery, NoDelivery) and delivery.issue:
            return _not_yet(message.step, message.subject, delivery)
        due = min(sent) + timedelta(minutes=settings.delay_minutes("cross_sell_follow_up"))
        return message.in_state(State.PLANNED, "due after the cross-sell", due)
    if any(m.state is State.FAILED for m in left):
        return message.in_state(State.WITHHELD, "the cross-sell did not go out")
    cross_sell = _with_acts(cross_sell, history.acts)
    if cross_sell.state in (State.CANCELLED, State.WITHHELD):
        return message.in_state(cross_sell.state, "no cross-sell goes out")
    kept_out = "cross_sell" in history.kept_out and not chosen(history.acts, "cross_sell", message.subject, 0)
    if not left and (kept_out or not settings.step("cross_sell").enabled):
        return message.in_state(State.WITHHELD, "no cross-sell goes out")
    return message


def _unless_bought_again(history: History, message: Planned) -> Planned:
    newer = min((o for o in history.newer_orders if o.counts), key=lambda o: o.placed_at, default=None)
    if newer and message.state not in (State.CANCELLED, State.WITHHELD):
        return message.in_state(State.CANCELLED, f"the customer bought again: {newer.name}")
    return message


# -- what the merchant did, and what may leave -------------------------------------------------------------------------
def _with_acts(message: Planned, acts: tuple[Act, ...]) -> Planned:
    """The newest "cancel" or "send now" for the message (or this copy) holds; neither revives what has ended."""
    about = [a for a in acts if (a.step, a.subject, a.copy) == message.key and a.kind != "send_again"]
    newest = max(about, key=lambda a: (a.at, a.kind == "cancel"), default=None)
    if newest is None or message.state in (State.CANCELLED, State.WITHHELD):
        return message
    if newest.kind == "cancel":
        return message.in_state(State.CANCELLED, "cancelled by the shop")
    if not _says_something(message):
        return message
    return message.in_state(State.PLANNED, "the shop chose to send it now", newest.at)


def _says_something(message: Planned) -> bool:
    """Not so for news of a parcel while there is no parcel, and for what ended with its order."""
    return bool(message.parcels) if message.step in ("shipped", "delivered") else message.state is not State.CANCELLED


def _copies(messages: list[Planned], acts: tuple[Act, ...]) -> Iterator[Planned]:
    for message in messages:
        again = [a for a in acts if (a.kind, a.step, a.subject) == ("send_again", message.step, message.subject)]
        for number, act in enumerate(sorted(again, key=lambda a: a.at), start=1):
            copy = replace(message, copy=number)
            if _says_something(message):
                copy = copy.in_state(State.PLANNED, "the shop chose to send it again", act.at)
            yield copy


def _gated(messages: Iterable[Planned], facts: gates.GateFacts, history: History) -> tuple[Planned, ...]:
    """Show already now what would stop the messages when they leave."""
    barred = gates.barred(facts)
    drawn = history.kept_out or history.to_keep_out
    found = []
    for message in messages:
        if message.state is not State.CANCELLED and message.state is not State.WITHHELD:
            if refusal := barred or gates.step_refusal(message.step, facts):
                message = message.in_state(State.WITHHELD, refusal)
            elif message.state is State.PLANNED and not history.live:
                message = message.in_state(State.HELD, gates.NOT_LIVE, message.due_at)
            elif drawn:
                message = _unless_kept_out(message, history)
        found.append(message)
    return tuple(found)


def _unless_kept_out(message: Planned, history: History) -> Planned:
    """Who is not in a holdout yet gets there when the message comes due and nothing else stops it: until then it is
    planned like any other, so that both groups are of the same kind. What the merchant sends by hand goes."""
    out = message.step in history.kept_out
    if not (out or message.step in history.to_keep_out) or chosen(history.acts, *message.key):
        return message
    if out:
        return message.in_state(State.WITHHELD, KEPT_OUT)
    planned = message.state is State.PLANNED
    return message.in_state(State.PLANNED, TO_BE_KEPT_OUT, message.due_at) if planned else message


def chosen(acts: Iterable[Act], step: str, subject: str, copy: int) -> bool:
    """Whether the merchant sends this message by hand: now, or again."""
    return copy > 0 or any((a.kind, a.step, a.subject, a.copy) == ("send_now", step, subject, copy) for a in acts)
