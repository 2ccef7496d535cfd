"""What a sender's domain says about who may send for it: SPF, DKIM and DMARC, judged from their TXT records.

RFC 7208 (SPF), RFC 6376 (DKIM), RFC 7489 (DMARC). Whether a mail passes is decided by its receiver; this tells only
what a shop can see and mend in its own DNS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

GOOD, WEAK, MISSING, SEVERAL, HIDDEN, UNREACHABLE = "good", "weak", "missing", "several", "hidden", "unreachable"
STATES = (GOOD, WEAK, MISSING, SEVERAL, HIDDEN, UNREACHABLE)
# Names under which providers publish their DKIM keys; one that is not here cannot be found from outside.
SELECTORS = (
    "s1", "s2", "selector1", "selector2", "google", "default", "dkim", "mail", "k1", "k2", "k3", "pm", "resend",
    "mailo", "smtp", "mandrill", "sig1", "fm1", "zoho", "mx",
)  # fmt: skip
_INCLUDES = (  # the host in EMAIL_URL -> what its provider asks for in SPF
    ("amazonaws.com", "include:amazonses.com"), ("sendgrid.net", "include:sendgrid.net"),
    ("mailgun.org", "include:mailgun.org"), ("postmarkapp.com", "include:spf.mtasv.net"),
    ("resend.com", "include:amazonses.com"),
)  # fmt: skip
MAX_VALUE = 500


class Away(Exception):
    """The DNS did not answer in time."""


class NoName(Exception):
    """There is nothing at this name, nor below it (RFC 8020)."""


Txt = Callable[[str], Sequence[str]]  # name -> its TXT records, none at all too. Raises Away, NoName


@dataclass(frozen=True, slots=True)
class Record:
    """`kind`: spf, dkim or dmarc. `name`: where it stands or should. `value`: what stands there, or what to add."""

    kind: str
    state: str
    name: str
    value: str | None


def look_up(txt: Txt, domain: str, mail_host: str | None = None) -> list[Record]:
    """All three. `mail_host`: of EMAIL_URL, by which the provider's part of SPF is known. Raises nothing of `txt`."""
    return [_spf(txt, domain, mail_host), _dkim(txt, domain), _dmarc(txt, domain)]


def _spf(txt: Txt, domain: str, mail_host: str | None) -> Record:
    try:
        found = [text for text in _of(txt, domain) if re.match(r"v=spf1(\s|$)", text, re.I)]
    except Away:
        return Record("spf", UNREACHABLE, domain, None)
    if not found:
        host = (mail_host or "").lower()
        include = next((part for end, part in _INCLUDES if host.endswith(end)), "include:…")
        return Record("spf", MISSING, domain, f"v=spf1 {include} ~all")
    if len(found) > 1:  # receivers treat this as an error
        return Record("spf", SEVERAL, domain, found[0])
    open_to_all = re.search(r"(^|\s)\+?all(\s|$)", found[0], re.I)
    return Record("spf", WEAK if open_to_all else GOOD, domain, found[0])


def _dkim(txt: Txt, domain: str) -> Record:
    base = f"_domainkey.{domain}"
    try:
        txt(base)
    except NoName:
        return Record("dkim", MISSING, base, None)
    except Away:
        return Record("dkim", UNREACHABLE, base, None)
    for selector in SELECTORS:
        name = f"{selector}.{base}"
        try:
            if any(re.search(r"(^|;)\s*p=[A-Za-z0-9+/]", text) for text in _of(txt, name)):
                return Record("dkim", GOOD, name, None)
        except Away:
            return Record("dkim", UNREACHABLE, base, None)
    return Record("dkim", HIDDEN, base, None)


def _dmarc(txt: Txt, domain: str) -> Record:
    """Its own, else that of a domain above it, which holds for it too."""
    own, labels = f"_dmarc.{domain}", domain.split(".")
    for start in range(max(len(labels) - 1, 1)):
        name = f"_dmarc.{'.'.join(labels[start:])}"
        try:
            found = [text for text in _of(txt, name) if text.replace(" ", "").lower().startswith("v=dmarc1")]
        except Away:
            return Record("dmarc", UNREACHABLE, own, None)
        if len(found) > 1:
            return Record("dmarc", SEVERAL, name, found[0])
        if found:
            watches_only = re.search(r";\s*p\s*=\s*none\b", found[0], re.I)
            return Record("dmarc", WEAK if watches_only else GOOD, name, found[0])
    return Record("dmarc", MISSING, own, "v=DMARC1; p=none")


def _of(txt: Txt, name: str) -> list[str]:
    try:
        return [text.strip()[:MAX_VALUE] for text in txt(name)]
    except NoName:
        return []
