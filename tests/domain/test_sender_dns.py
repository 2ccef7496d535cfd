"""What a domain's TXT records mean for a shop, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from plugin.domain.sender_dns import Away, NoName, Record, look_up

SPF, KEY = "v=spf1 include:amazonses.com ~all", "v=DKIM1; k=rsa; p=MIGfMA0"


def zone(records: dict[str, list[str] | str]):
    """Names to their texts; "away" for a server that does not answer. Names above others exist."""

    def txt(name: str) -> Sequence[str]:
        if records.get(name) == "away" or records.get("*") == "away":
            raise Away
        if name in records:
            return records[name]
        if any(other.endswith(f".{name}") for other in records):
            return []
        raise NoName

    return txt


def states(records: dict[str, list[str] | str], domain: str = "shop.example") -> tuple[str, ...]:
    return tuple(record.state for record in look_up(zone(records), domain))


@pytest.mark.parametrize(("records", "wanted"), [
    ({}, ("missing", "missing", "missing")),
    ({"shop.example": [SPF], "s1._domainkey.shop.example": [KEY], "_dmarc.shop.example": ["v=DMARC1; p=reject"]},
     ("good", "good", "good")),
    ({"shop.example": ["google-site-verification=x", "v=spf1 +all"], "x9._domainkey.shop.example": [KEY],
      "_dmarc.shop.example": ["v=DMARC1; p=none; rua=mailto:a@b.example"]}, ("weak", "hidden", "weak")),
    ({"shop.example": [SPF, SPF], "_dmarc.shop.example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]},
     ("several", "missing", "several")),
    ({"shop.example": ["v=spf10 nonsense"], "s1._domainkey.shop.example": ["v=DKIM1; p="]},
     ("missing", "hidden", "missing")),  # a key that was taken back is none
    ({"*": "away"}, ("unreachable", "unreachable", "unreachable")),
    ({"shop.example": [SPF], "_domainkey.shop.example": "away"}, ("good", "unreachable", "missing")),
])  # fmt: skip
def test_what_records_mean(records: dict[str, list[str] | str], wanted: tuple[str, ...]) -> None:
    assert states(records) == wanted


def test_a_policy_of_the_domain_above_holds_but_not_that_of_the_top() -> None:
    above = {"_dmarc.shop.example": ["v=DMARC1; p=quarantine"]}
    assert states(above, "mail.shop.example")[2] == "good"
    assert states({"_dmarc.example": ["v=DMARC1; p=reject"]})[2] == "missing"


def test_what_to_add_names_the_providers_part() -> None:
    found = look_up(zone({}), "shop.example", "email-smtp.eu-west-1.amazonaws.com")
    assert found[0] == Record("spf", "missing", "shop.example", "v=spf1 include:amazonses.com ~all")
    assert found[2] == Record("dmarc", "missing", "_dmarc.shop.example", "v=DMARC1; p=none")
    assert look_up(zone({}), "shop.example", "mail.shop.example")[0].value == "v=spf1 include:… ~all"
