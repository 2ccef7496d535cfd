"""The kinds of reasons why a message does not leave: few and fixed, so that they can be counted and shown in a graph.

A reason is a sentence with names and dates in it; its kind is known by how the sentence begins.
"""

from __future__ import annotations

OTHER = "other"

# How the sentence begins -> its kind. The first that fits holds.
KINDS: tuple[tuple[str, str], ...] = (
    ("due", "as planned"),
    ("asks at", "as planned"),
    ("the customer says that it arrived", "as planned"),
    ("the shop chose", "by the shop"),
    ("the shop took back", "by the shop"),
    ("the customer was not satisfied", "not satisfied"),
    ("being sent", "as planned"),
    ("the carrier's newest word", "trouble at the carrier"),
    ("the parcel was lost", "lost"),
    ("waits for the shop to go live", "shop not live"),
    ("waits for shipping", "not shipped yet"),
    ("waits for delivery", "not delivered yet"),
    ("waits for the cross-sell", "after the cross-sell"),
    ("waits at most two hours", "no tracking number yet"),
    ("waits", "waits"),
    ("the customer has not", "reported missing"),
    ("the customer says that it has not", "reported missing"),
    ("no consent", "no consent"),
    ("the customer unsubscribed", "unsubscribed"),
    ("the customer bought again", "bought again"),
    ("the customer's data was erased", "erased"),
    ("the customer complained", "complained"),
    ("the address is dead", "dead address"),
    ("no address", "no address"),
    ("a test order", "test order"),
    ("this step is switched off", "switched off"),
    ("kept out", "kept out to compare"),
    ("will be kept out", "kept out to compare"),
    ("too late", "too late"),
    ("deferred", "deferred"),
    ("will be tried again", "tried again"),
    ("goes again", "tried again"),
    ("outcome unknown", "outcome unknown"),
    ("cancelled by the shop", "by the shop"),
    ("told with", "told with another parcel"),
    ("no cross-sell", "no cross-sell"),
    ("the cross-sell did not", "no cross-sell"),
    ("the shop uninstalled", "uninstalled"),
    ("bought in the shop", "nothing shipped"),
    ("picked up", "nothing shipped"),
    ("a digital order", "nothing shipped"),
    ("handed over", "nothing shipped"),
    ("nothing is left", "nothing shipped"),
    ("could not be written", "could not be written"),
    ("the mail server", "refused by the mail server"),
    ("there is no such mailbox", "no such mailbox"),
    ("came back", "came back"),
    ("the order", "order ended"),
    ("this shipment was called off", "order ended"),
)
NAMES = frozenset(kind for _, kind in KINDS) | {OTHER}


def kind_of(reason: str) -> str:
    """The kind of a reason; `other` for one that is not known here."""
    return next((kind for beginning, kind in KINDS if reason.startswith(beginning)), OTHER)
