"""Who opened a link or a mail: a person, or software that is there first (mail filters, previews, prefetching)."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Names that link checkers, chat previews, crawlers and plain HTTP clients give themselves. Many mail filters pose as
# browsers: this finds the honest ones, and those that ask with HEAD or say that they prefetch.
_SOFTWARE = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|scan|fetch|monitor|headless|externalhit|embedly|whatsapp|slack|telegram|"
    r"barracuda|proofpoint|mimecast|messagelabs|symantec|ironport|trendmicro|sophos|fireeye|safelinks|"
    r"googleimageproxy|yahoomailproxy|kakaotalk-scrap|yeti|daum/|curl|wget|python|java/|okhttp|go-http|libwww|"
    r"axios|node-|ruby|perl|apache-httpclient|guzzle|postman",
    re.IGNORECASE,
)


def is_scanner(method: str, headers: Mapping[str, str]) -> bool:
    """True when the request says so itself: HEAD, a prefetch, no or a software's User-Agent. `headers` as sent."""
    if method == "HEAD":
        return True
    told = {name.lower(): value for name, value in headers.items()}
    purpose = " ".join(told.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")).lower()
    if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose:
        return True
    agent = told.get("user-agent", "").strip()
    return not agent or _SOFTWARE.search(agent) is not None


# Mail programs that fetch a picture through a server of their own, but only when a person opens the mail.
_FOR_A_PERSON = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE)
# What Apple Mail's privacy protection, which fetches the pictures of every mail, calls itself: this and nothing more.
# Source: what several providers of mail observe of it (Postmark, SocketLabs, Word to the Wise, 2021 and later).
_APPLE_PRIVACY = "Mozilla/5.0"


def is_machine_open(headers: Mapping[str, str]) -> bool:
    """Whether a picture in a mail was fetched without anybody looking at it, as far as the request tells."""
    agent = {name.lower(): value for name, value in headers.items()}.get("user-agent", "").strip()
    if agent == _APPLE_PRIVACY:
        return True
    return not _FOR_A_PERSON.search(agent) and is_scanner("GET", headers)
