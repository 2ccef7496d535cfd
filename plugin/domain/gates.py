"""May this message leave? The same answer for the plan's forecast and for the last look before sending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.domain.consent import ConsentWords, marketing_refusal
from plugin.domain.flows import STEPS, MessageClass
from plugin.domain.history import History
from schemas.settings import ShopSettings

NOT_LIVE = "waits for the shop to go live"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What a message's leave depends on."""

    settings: ShopSettings
    consent: ConsentWords
    country_code: str | None = None
    suppressed: str | None = None
    has_address: bool = True
    erased: bool = False
    test: bool = False


def facts_of(settings: ShopSettings, history: History) -> GateFacts:
    return GateFacts(
        settings=settings,
        consent=history.consent,
        country_code=history.country_code,
        suppressed=history.suppressed,
        has_address=history.order.has_address,
        erased=history.order.erased,
        test=history.order.test,
    )


def refusal(step: str, facts: GateFacts) -> str | None:
    """Why a message of this step may not go to this customer, in plain words; None when it may."""
    return barred(facts) or step_refusal(step, facts)


def barred(facts: GateFacts) -> str | None:
    """Why nothing at all may go to this customer; None when something may."""
    if facts.erased:
        return "the customer's data was erased"
    if facts.test:
        return "a test order"
    if not facts.has_address:
        return "no address to write to"
    if facts.suppressed:
        return "the address is dead" if facts.suppressed == "dead" else "the customer complained about mail"
    return None


def step_refusal(step: str, facts: GateFacts) -> str | None:
    """Of `refusal` what depends on the step."""
    if not facts.settings.step(step).enabled:
        return "this step is switched off"
    message_class = STEPS[step].message_class
    if message_class is MessageClass.SERVICE and facts.consent.opted_out:
        return "the customer unsubscribed"
    if message_class is MessageClass.MARKETING:
        return may_not_market(facts)
    return None


def may_not_market(facts: GateFacts) -> str | None:
    """Why nothing promotional may be said to this customer; None when it may."""
    return marketing_refusal(facts.consent, facts.settings.marketing, facts.country_code)


def is_stale(step: str, due_at: datetime, now: datetime) -> bool:
    """Too late to be sent: withheld, never sent late."""
    return now - due_at > STEPS[step].stale_after


def stale_reason(due_at: datetime) -> str:
    return f"too late: it was due {due_at.day} {due_at:%b %H:%M} UTC"
