"""marshmallow fields for what other systems send: blanks are legal, text is made harmless, ids are strings.

Every field here reads a blank (missing, null, "", [] or {}) as None, so that a schema's result holds every declared
key. What a field does with a value that is neither blank nor good is said in its docstring: *refused* raises
`marshmallow.ValidationError`, *dropped* gives None. Messages are constants: they never repeat a value, because values
may be personal data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields

from schemas.money import currency_code
from schemas.money import exponent as exponent

MAX_QUANTITY = 2**31 - 1
MAX_ID = 2**64 - 1
FIRST_YEAR, LAST_YEAR = 1970, 2199  # outside of these a moment is a mistake, and arithmetic on it may overflow

_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\/]{1,255}")
_SPACES = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")  # what str.splitlines breaks at, and the tab
# C0 and C1 controls (PostgreSQL refuses NUL), lone surrogates (UTF-8 has none), noncharacters, and the bidirectional
# embeddings, overrides and isolates that would turn the text around them. The marks that right-to-left names and
# emoji use (LRM, RLM, ZWJ, variation selectors) stay.
_HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def is_blank(value: object) -> bool:
    """None, "", white space, [] and {}, and marshmallow's `missing`; False and 0 are values."""
    if value:
        return isinstance(value, str) and value.isspace()
    return not isinstance(value, (int, float))


def clean_text(value: str, limit: int) -> str:
    """One line of harmless text, at most `limit` characters; may be empty."""
    if not value.isprintable():
        value = _HARMFUL.sub("", _SPACES.sub(" ", value))
    return value.strip()[:limit].rstrip()


def web_url(value: object, limit: int = 2048) -> str | None:
    """An http(s) address with a host and nothing that breaks out of a header or an attribute, else None.

    Spaces are escaped: tracking links are often glued together from a number with spaces.
    """
    if not isinstance(value, str) or len(value) > limit:
        return None
    value = value.strip().replace(" ", "%20")
    if not value.isprintable() or any(mark in value for mark in '<>"`\\'):
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and host and "%" not in host else None


def to_utc(moment: datetime) -> datetime:
    """Aware UTC; a naive moment is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def moment_of(value: object) -> datetime:
    """ISO 8601 text to aware UTC. ValueError, with a message that follows the field's name."""
    try:
        if not isinstance(value, str) or not 10 <= len(value) <= 40:
            raise ValueError
        moment = to_utc(datetime.fromisoformat(value.strip()))
    except (ValueError, OverflowError):
        raise ValueError("is not a date and time") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"is not between {FIRST_YEAR} and {LAST_YEAR}")
    return moment


class Blankable(fields.Field[Any]):
    """The base: blanks are None, everything else is `read`."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if is_blank(value):
            return None
        return self.read(value)

    def read(self, value: Any) -> Any:
        """The value as we keep it. Raises ValidationError."""
        raise NotImplementedError


class Text(Blankable):
    """One line of harmless text, cut at `limit`; a number becomes its digits; other types are dropped."""

    def __init__(self, limit: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def read(self, value: Any) -> str | None:
        if isinstance(value, str):
            return clean_text(value, self.limit) or None
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID:
            return str(value)
        return None


class Word(Text):
    """A status or a code: lower-case text of at most 64 characters; other types are dropped."""

    def read(self, value: Any) -> str | None:
        text = super().read(value)
        return text[:64].lower() if text else None


class Email(Blankable):
    """An address that could be written to; anything else is dropped, so that the order is kept and not mailed."""

    def read(self, value: Any) -> str | None:
        if not isinstance(value, str) or len(value) > 320:
            return None
        value = value.strip()
        return value if value.isprintable() and _EMAIL.fullmatch(value) and ".." not in value else None


class Phone(Blankable):
    """Text with at least three digits; anything else is dropped. Bringing it to E.164 is not the boundary's."""

    def read(self, value: Any) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID:
            return str(value)
        text = clean_text(value, 64) if isinstance(value, str) else ""
        return text if sum(mark.isdigit() for mark in text) >= 3 else None


class Locale(Blankable):
    """A language tag as told ("en", "ko-KR"); anything else is dropped."""

    def read(self, value: Any) -> str | None:
        return value if isinstance(value, str) and _LOCALE.fullmatch(value) else None


class CountryCode(Blankable):
    """Two letters, brought to upper case; anything else is dropped."""

    def read(self, value: Any) -> str | None:
        code = value.strip() if isinstance(value, str) else ""
        return code.upper() if len(code) == 2 and code.isascii() and code.isalpha() else None


class CurrencyCode(Blankable):
    """Three letters, brought to upper case; anything else is dropped."""

    def read(self, value: Any) -> str | None:
        return currency_code(value)


class WebUrl(Blankable):
    """An http(s) address; anything else is dropped. `inside`: a key under which some senders wrap the address."""

    def __init__(self, inside: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inside = inside

    def read(self, value: Any) -> str | None:
        if self.inside and isinstance(value, Mapping):
            value = value.get(self.inside)
        return web_url(value)


class Moment(Blankable):
    """ISO 8601, with or without an offset, to aware UTC. A bad one is refused; with `lenient` it is dropped."""

    def __init__(self, *, lenient: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lenient = lenient

    def read(self, value: Any) -> datetime | None:
        try:
            return moment_of(value)
        except ValueError as error:
            if self.lenient:
                return None
            raise ValidationError(f"{error}.") from None


class Flag(Blankable):
    """True or False, also as 0, 1, "true" or "false"; a blank is `default`; anything else is refused."""

    def __init__(self, *, default: bool | None = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.default = default

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        return self.default if is_blank(value) else self.read(value)

    def read(self, value: Any) -> bool:
        word = str(value).lower() if isinstance(value, (int, str)) else ""
        if word in ("true", "1"):
            return True
        if word in ("false", "0"):
            return False
        raise ValidationError("is neither true nor false.")


class Quantity(Blankable):
    """A whole number from 0; a negative one, a fraction and anything else is refused."""

    def read(self, value: Any) -> int:
        if (isinstance(value, str) and _DIGITS.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("is not a whole number.")
        if value < 0:
            raise ValidationError("is negative.")
        if value > MAX_QUANTITY:
            raise ValidationError("is too large.")
        return value


class PlatformId(Blankable):
    """A platform's id as a string, from a number or its digits. True, 1.0, 0, negative ids and words are refused."""

    def read(self, value: Any) -> str:
        if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_ID:
            raise ValidationError("is not an id.")
        return str(value)


class Part(fields.Nested):
    """A nested object, None when blank; with `many` a list of objects, [] when blank. Another type is refused."""

    def __init__(self, nested: Schema | type[Schema], *, many: bool = False, **kwargs: Any) -> None:
        super().__init__(nested, many=many, **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        if is_blank(value):
            return [] if self.many else None
        return self._deserialize(value, attr, data, **kwargs)
