"""May this address be sold to? The newest word holds, by its own time; arrival order cannot matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

OLDEST = datetime(1970, 1, 1, tzinfo=UTC)  # a word without a time

# Where mail to one's own customers about similar products is lawful without a prior yes, as long as every message
# offers the way out. EU: Directive 2002/58/EC art. 13(2), adopted in the EEA too. GB: PECR 2003 reg. 22(3). CH: UWG
# art. 3(1)(o). US: CAN-SPAM Act, 15 U.S.C. 7704. CA: CASL s. 10(10), two years after a purchase. AU: Spam Act 2003
# sch. 2. NZ: Unsolicited Electronic Messages Act 2007 s. 4. KR: Network Act art. 50(1)1, six months after a purchase.
# A country that is not here, or not known, means consent.
SOFT_OPT_IN = frozenset(
    {
        "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU",
        "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO", "GB", "CH", "US", "CA", "AU", "NZ",
        "KR",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsentWords:
    """The newest moment of each kind of word about one address; None where none was said."""

    subscribed_at: datetime | None = None  # an explicit subscription
    opted_out_at: datetime | None = None  # `unsubscribed`, or our own page
    checkbox_at: datetime | None = None  # ticked at an order
    neutral_at: datetime | None = None  # `not_subscribed`, `pending`

    @property
    def opted_out(self) -> bool:
        """Only a later explicit subscription lifts an opt-out, never an order's checkbox; ties go to the opt-out."""
        if self.opted_out_at is None:
            return False
        return self.subscribed_at is None or self.subscribed_at <= self.opted_out_at

    @property
    def consented(self) -> bool:
        yes = max((at for at in (self.subscribed_at, self.checkbox_at) if at), default=None)
        if yes is None or self.opted_out:
            return False
        return self.neutral_at is None or yes > self.neutral_at


def marketing_refusal(words: ConsentWords, policy: str, country_code: str | None) -> str | None:
    """Why marketing may not go to this address; None when it may. `policy`: "consent" or "soft_opt_in"."""
    if words.opted_out:
        return "the customer unsubscribed"
    if words.consented or (policy == "soft_opt_in" and country_code in SOFT_OPT_IN):
        return None
    return "no consent to marketing"
