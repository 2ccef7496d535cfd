"""What can go wrong between us and Shopify's API. No text here holds a customer's data or a token."""

from __future__ import annotations

from dataclasses import dataclass


class AdminError(Exception):
    """The base: a call that brought nothing. The text is a plain sentence for the shop's support view."""


class Unavailable(AdminError):
    """Shopify did not answer, or only with an error of its own: the same call may succeed later.

    `unknown`: it may have been carried out all the same.
    """

    def __init__(self, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.unknown = unknown


class Throttled(AdminError):
    """The shop's bucket of query points is empty. `wait`: seconds until it holds enough."""

    def __init__(self, wait: float) -> None:
        super().__init__("Shopify asks for a pause between two calls")
        self.wait = wait


class AccessDenied(AdminError):
    """The token may not do this: a scope is missing, or the shop is closed. Asking again changes nothing."""


class Unauthorized(AdminError):
    """The token is not taken (401): it lapsed or was revoked."""


class TooCostly(AdminError):
    """One document asked for more than a single call may cost: ask for smaller pages."""


class Refused(AdminError):
    """The document or its variables are not what the API takes: a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One of a mutation's `userErrors`: Shopify's code, the path of the input at fault, the sentence."""

    code: str | None
    field: tuple[str, ...]
    message: str


class UserErrors(AdminError):
    """A mutation was understood and not carried out. The sentences may quote input: log the codes only."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(c.field) or 'input'}: {c.code or 'refused'}" for c in complaints)[:500])
        self.complaints = complaints
