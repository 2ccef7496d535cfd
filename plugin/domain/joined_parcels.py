"""Which parcels share one `shipped` message, and when it is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain.flows import STEPS
from plugin.domain.history import Act, Parcel
from schemas.settings import ShopSettings

NUMBER_WAIT = timedelta(hours=2)  # a shipped message waits so long for missing tracking numbers


def groups(settings: ShopSettings, acts: tuple[Act, ...], parcels: list[Parcel]) -> list[list[Parcel]]:
    """Parcels that share a message: those shipped before it leaves, goes stale or is cancelled by the shop.

    `parcels`: those nobody was told of, in the order in which they were shipped. A parcel whose own message the
    shop cancelled or chose to send joins no other, so that no late news undoes the act.
    """
    if len(parcels) < 2:
        return [parcels] if parcels else []
    acts = tuple(a for a in acts if a.step == "shipped" and not a.copy)
    chosen = {a.subject for a in acts if a.kind != "send_again"}
    found: list[list[Parcel]] = []
    closes = None
    for parcel in parcels:
        if closes is None or parcel.shipped_at > closes or parcel.parcel_id in chosen:
            found.append([])
            closes = shipped_due(settings, [parcel])[0] + STEPS["shipped"].stale_after
            cancelled = [a.at for a in acts if (a.kind, a.subject) == ("cancel", parcel.parcel_id)]
            closes = min([closes, *cancelled])
        found[-1].append(parcel)
    return found


def shipped_due(settings: ShopSettings, group: list[Parcel]) -> tuple[datetime, str]:
    """The moment at which the group's message is due, and why then."""
    shipped = group[0].shipped_at
    due = shipped + timedelta(minutes=settings.delay_minutes("shipped"))
    if all(p.has_number for p in group):
        return due, "due after shipping"
    return max(due, shipped + NUMBER_WAIT), "waits at most two hours for a tracking number"
