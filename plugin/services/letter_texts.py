"""What the desk's letters say. Every key in both languages; no particle follows a Korean value."""

from __future__ import annotations

EN = {
    "hello": "Hello {name},",
    "hello_nobody": "Hello,",
    "subject_not_arrived": "We are looking for your parcel: order {order}",
    "subject_low_rating": "Thank you for telling us: order {order}",
    "subject_feedback": "Your answer about order {order}",
    "heard_not_arrived": "Thank you for telling us that your order {order} has not arrived. {shop} has been told and "
    "is looking into it.",
    "heard_low_rating": "Thank you for your honest answer about order {order}. We are sorry that it was not what you "
    "hoped for, and {shop} wants to put it right.",
    "by": "You will hear from us by {when} ({zone} time).",
    "by_day": "You will hear from us by {when} at the latest.",
    "quiet": "Until this is settled you will get no suggestions from us.",
    "more": "Is there anything else we should know? Simply reply to this email.",
    "subject_reply": "Re: {subject}",
    "subject_solved": "Is it settled? Order {order}",
    "solved_arrived": "We believe that your order {order} is settled now.",
    "solved_lost": "Your parcel of order {order} seems to be lost, and we have closed the search for it. If we owe you "
    "a replacement or a refund that has not reached you yet, please tell us.",
    "solved_settled": "We believe that what was wrong with your order {order} is settled now.",
    "solved_ask": "Are you content with how it ended? One tap is enough:",
    "solved_yes": "Yes, it is solved",
    "solved_no": "No, not yet",
    "solved_next": "If it is not, we take it up again at once.",
    "service": "Reply to this email and it reaches {shop}.",
    "phone": "By phone: {phone}",
    "phone_hours": "By phone: {phone} ({hours})",
    "help": "Help: {url}",
}
KO = {
    "hello": "안녕하세요, {name}.",
    "hello_nobody": "안녕하세요, 고객님.",
    "subject_not_arrived": "배송 상황을 확인하고 있습니다: 주문 {order}",
    "subject_low_rating": "솔직한 의견 감사합니다: 주문 {order}",
    "subject_feedback": "보내 주신 의견: 주문 {order}",
    "heard_not_arrived": "주문하신 상품({order})을 아직 받지 못하셨다고 알려 주셔서 감사합니다. {shop} 담당자에게 "
    "전달했으며, 배송 상황을 확인하고 있습니다.",
    "heard_low_rating": "주문({order})에 대해 솔직하게 답해 주셔서 감사합니다. 기대에 미치지 못해 죄송합니다. {shop} "
    "담당자가 바로잡아 드리겠습니다.",
    "by": "{when}({zone} 시간)까지 답변드리겠습니다.",
    "by_day": "늦어도 {when}까지 답변드리겠습니다.",
    "quiet": "해결될 때까지 추천 상품 메일은 보내지 않습니다.",
    "more": "더 알려 주실 내용이 있으시면 이 메일에 바로 회신해 주세요.",
    "subject_reply": "Re: {subject}",
    "subject_solved": "잘 해결되었나요? 주문 {order}",
    "solved_arrived": "주문하신 상품({order})과 관련해 알려 주신 문제가 해결된 것으로 확인했습니다.",
    "solved_lost": "주문하신 상품({order})이 분실된 것으로 확인되어 조회를 마쳤습니다. 다시 보내 드리거나 환불해 "
    "드려야 할 것이 아직 처리되지 않았다면 알려 주세요.",
    "solved_settled": "주문({order})과 관련해 알려 주신 문제가 해결된 것으로 확인했습니다.",
    "solved_ask": "처리 결과가 만족스러우셨나요? 한 번만 눌러 주세요.",
    "solved_yes": "네, 해결되었어요",
    "solved_no": "아니요, 아직이에요",
    "solved_next": "아직 해결되지 않았다면 바로 다시 살펴보겠습니다.",
    "service": "이 메일에 회신하시면 {shop} 담당자가 직접 읽고 답해 드립니다.",
    "phone": "전화: {phone}",
    "phone_hours": "전화: {phone} ({hours})",
    "help": "도움말: {url}",
}
TEXTS = {"en": EN, "ko": KO}
