"""A message's reason in the language of the page. What has no translation is shown as it stands."""

from __future__ import annotations

import re
from functools import lru_cache

# Beginnings and ends that hold a moment, a place or a name; {0} … stand for what the brackets caught.
_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"sent (\d+) (\w{3}) (\d\d:\d\d) UTC", "{1} {0}일 {2} (UTC)에 보냈습니다"),
    (r"told with (.+)", "{0} 안내에 함께 담았습니다"),
    (r"too late: it was due (\d+) (\w{3}) (\d\d:\d\d) UTC", "때가 지났습니다: 예정은 {1} {0}일 {2} (UTC)이었습니다"),
    (r"deferred to (\d\d:\d\d) in (.+)", "조용한 시간이라 {1} 시간 {0}까지 미룹니다"),
    (r"deferred to (\d+) (\w{3}) (\d\d:\d\d) UTC: enough messages for now",
     "당분간 충분히 보냈습니다: {1} {0}일 {2} (UTC)까지 미룹니다"),
    (r"deferred to (\d+) (\w{3}) (\d\d:\d\d) UTC: (.+)", "{1} {0}일 {2} (UTC)까지 미룹니다: {3}"),
    (r"will be tried again: (.+)", "다시 시도합니다: {0}"),
    (r"the customer bought again: (.+)", "고객님이 다시 주문했습니다: {0}"),
    (r"the carrier's newest word is (.+)", "택배사의 최근 소식: {0}"),
    (r"the payment was voided", "결제가 무효 처리되었습니다"),
    (r"the payment expired", "결제 기한이 지났습니다"),
    (r"outcome unknown.*", "보냈는지 확인되지 않습니다"),
    (r"the mail server (.+)", "메일 서버: {0}"),
)  # fmt: skip
_SENTENCES = {
    "a digital order: nothing is shipped": "디지털 상품이라 배송이 없습니다",
    "a test order": "테스트 주문입니다",
    "asks at the expected delivery unless the carrier reports it": "택배사 소식이 없으면 예상 도착일에 여쭤봅니다",
    "being sent": "보내는 중입니다",
    "bought in the shop: nothing is shipped": "매장에서 구매해 배송이 없습니다",
    "cancelled by the shop": "쇼핑몰에서 취소했습니다",
    "deferred: more important mail to the customer goes first": "더 중요한 메일을 먼저 보냅니다",
    "due": "보낼 때가 되었습니다",
    "due a day after the complaint was settled": "불만이 해결된 다음 날 보냅니다",
    "due a week after the order and a day after delivery": "주문 일주일 뒤, 배송 완료 다음 날 이후에 보냅니다",
    "due after shipping": "발송 후에 보냅니다",
    "due after the cross-sell": "추천 메일 뒤에 보냅니다",
    "due after the last delivery": "마지막 배송이 끝난 뒤 보냅니다",
    "due when the carrier delivers": "배송이 완료되면 보냅니다",
    "due when the order is fulfilled": "주문이 처리되면 보냅니다",
    "due when the order is placed": "주문이 들어오면 보냅니다",
    "handed over in the shop": "매장에서 전달했습니다",
    "it was settled before": "그 전에 해결되었습니다",
    "left": "보냈습니다",
    "no address to write to": "보낼 메일 주소가 없습니다",
    "no consent to marketing": "마케팅 수신 동의가 없습니다",
    "no cross-sell goes out": "추천 메일이 나가지 않습니다",
    "nothing is left to be shipped": "발송할 상품이 남지 않았습니다",
    "picked up by the customer: nothing is shipped": "고객님이 직접 찾아가는 주문이라 배송이 없습니다",
    "sent": "보냈습니다",
    "the address is dead": "받을 수 없는 주소입니다",
    "the address takes no mail": "메일을 받지 않는 주소입니다",
    "the cross-sell did not go out": "추천 메일이 나가지 못했습니다",
    "the customer complained about mail": "고객님이 메일을 스팸으로 신고했습니다",
    "the customer says that it arrived": "고객님이 받았다고 알려 주었습니다",
    "the customer says that it has not arrived": "고객님이 아직 받지 못했다고 알려 주었습니다",
    "the customer unsubscribed": "고객님이 수신을 거부했습니다",
    "the customer was not satisfied, and nobody has settled it yet": "고객님이 만족하지 못했고 해결되지 않았습니다",
    "the customer's address is not an e-mail address": "고객님의 주소가 메일 주소가 아닙니다",
    "the customer's data was erased": "고객 정보가 삭제되었습니다",
    "the issue is open again": "문제가 다시 열렸습니다",
    "the order was cancelled": "주문이 취소되었습니다",
    "the order was deleted": "주문이 삭제되었습니다",
    "the order was fully refunded": "주문이 전액 환불되었습니다",
    "the parcel was lost": "택배가 분실되었습니다",
    "the shop chose to send it again": "쇼핑몰에서 다시 보내기로 했습니다",
    "the shop chose to send it now": "쇼핑몰에서 지금 보내기로 했습니다",
    "the shop uninstalled Dasi": "쇼핑몰이 Dasi를 삭제했습니다",
    "this shipment was called off": "발송이 취소되었습니다",
    "this step is switched off": "이 단계는 꺼져 있습니다",
    "waits at most two hours for a tracking number": "송장 번호를 최대 두 시간 기다립니다",
    "waits for delivery": "배송 완료를 기다립니다",
    "waits for everything to be shipped": "모든 상품의 발송을 기다립니다",
    "waits for shipping": "발송을 기다립니다",
    "waits for the cross-sell": "추천 메일을 기다립니다",
    "waits for the shop to go live": "쇼핑몰이 발송을 시작하기를 기다립니다",
    "will leave at once": "곧 나갑니다",
}
_MONTHS = {name: f"{number}월" for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1)}  # fmt: skip
_COMPILED = tuple((re.compile(pattern), words) for pattern, words in _PATTERNS)


@lru_cache(maxsize=4096)
def reason(text: str, language: str) -> str:
    """The reason as a sentence of its own, without a full stop."""
    if language != "ko":
        return text[:1].upper() + text[1:]
    if text in _SENTENCES:
        return _SENTENCES[text]
    for pattern, words in _COMPILED:
        if found := pattern.fullmatch(text):
            caught = [_MONTHS.get(part, part) for part in found.groups()]
            return words.format(*(_SENTENCES.get(part, part) for part in caught))
    return text
