"""The words that suggest a tag, in English and Korean: for people to read and to add to.

English: words in lower case, `*` for any ending. Korean: parts of words without blanks. `phrases` say it all by
themselves; `topics` do so only beside a bad word, or a good one that is denied.
"""

from __future__ import annotations

from dataclasses import dataclass

# Where one thought ends and the next may say the opposite.
EN_CLAUSES = r"[.!?;,\n]+|\bbut\b|\bhowever\b|\balthough\b|\bthough\b|\bwhile\b|\byet\b"
KO_CLAUSES = r"[.!?;,~\n]+|지만|(?<=[었았했웠렸졌왔갔됐])는데|은데|으나|(?<=[었았했])고\s"


@dataclass(frozen=True, slots=True)
class Lexicon:
    phrases: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


EN_GOOD = (
    "good", "great", "love*", "perfect*", "excellent", "amazing", "wonderful", "happy", "fantastic", "beautiful*",
    "nice*", "best", "delicious", "recommend*", "satisfied", "awesome", "pleased", "friendly", "helpful", "fair",
    "works well", "impress*", "superb", "lovely", "thank*", "quick*", "fast",
)  # fmt: skip
EN_BAD = (
    "bad", "badly", "poor*", "terrible", "awful", "horrible", "worst", "worse", "disappoint*", "unhappy", "rude",
    "cheap", "flimsy", "useless", "annoy*", "frustrat*", "slow*", "confus*", "unacceptable", "ridiculous", "problem*",
    "issue*", "too much", "too many", "excessive*", "wasteful", "mediocre", "unhelpful", "complain*", "broken",
    "difficult", "hard to", "could be better", "let down", "dirty",
)  # fmt: skip
EN: dict[str, Lexicon] = {
    "late_delivery": Lexicon(
        (
            "late", "delay*", "took too long", "took so long", "took forever", "took ages", "too slow to arrive",
            "slow delivery", "slow shipping", "slow to arrive", "weeks to arrive", "still waiting", "still not arriv*",
            "never arriv*", "not arriv*", "hasn't arriv*", "didn't arrive on time", "not on time", "not in time",
            "overdue", "waited too long", "waited weeks", "longer than expected", "longer than promised",
        ),
        ("deliver*", "shipping", "shipment", "courier", "postage"),
    ),
    "damaged": Lexicon(
        (
            "damage*", "broken", "broke in", "arrived broke", "crack*", "shatter*", "smash*", "dent*", "crush*",
            "leak*", "torn", "scratched", "chipped", "in pieces", "spilled", "spilt", "squashed", "bent",
        ),
    ),
    "wrong_item": Lexicon(
        (
            "wrong item*", "wrong product*", "wrong colour", "wrong color", "wrong order", "wrong thing", "wrong one",
            "sent the wrong", "got the wrong", "received the wrong", "wrong size sent", "missing", "incomplete",
            "not what i ordered", "not as described", "different from the picture*", "different item",
        ),
    ),
    "quality": Lexicon(
        (
            "poor quality", "bad quality", "low quality", "cheaply made", "fell apart", "falling apart", "came apart",
            "stopped working", "doesn't work", "does not work", "didn't work", "did not work", "not working", "faulty",
            "defect*", "faded", "broke after", "wore out", "worn out", "peeling", "flimsy", "stale", "tasteless",
            "not worth keeping", "not durable", "didn't last", "shrank", "shrunk",
        ),
        ("quality", "material*", "fabric", "taste*", "flavour*", "flavor*", "smell*", "stitch*", "workmanship"),
    ),
    "size_fit": Lexicon(
        (
            "too small", "too big", "too large", "too tight", "too loose", "too short", "too wide", "too narrow",
            "doesn't fit", "didn't fit", "does not fit", "did not fit", "not fit", "runs small", "runs large",
            "runs big", "smaller than", "bigger than", "larger than", "size up", "size down", "wrong size", "sizing",
        ),
        ("size", "fit", "fits", "fitting"),
    ),
    "price": Lexicon(
        (
            "expensive", "overpriced", "pricey", "pricy", "too costly", "not worth the money", "not worth the price",
            "not worth it", "rip off", "ripoff", "cheaper elsewhere", "cost too much", "costs too much",
            "too high price", "shipping cost*", "shipping fee*", "delivery charge*",
        ),
        ("price*", "cost", "costs", "value"),
    ),
    "service": Lexicon(
        (
            "rude", "unhelpful", "ignored", "no reply", "no response", "no answer", "never repl*", "never answer*",
            "didn't reply", "did not reply", "didn't answer", "did not answer", "nobody answer*", "nobody repl*",
            "impolite", "unfriendly", "not helpful", "wouldn't refund", "refused to refund", "refused a refund",
        ),
        ("service", "support", "staff", "customer care", "refund*", "helpdesk", "agent"),
    ),
    "website": Lexicon(
        (
            "checkout fail*", "payment fail*", "site crash*", "website crash*", "app crash*", "page didn't load",
            "wouldn't load", "hard to find on", "hard to navigate", "couldn't pay", "could not pay", "couldn't log in",
            "could not log in", "error message",
        ),
        ("website", "web site", "site", "checkout", "webpage", "app", "login", "payment"),
    ),
    "packaging": Lexicon(
        (
            "too much plastic", "too much packaging", "overpackaged", "badly packed", "poorly packed", "badly wrapped",
            "poorly wrapped", "not packed well", "not well packed", "no padding", "no bubble wrap", "box was crushed",
            "box was damaged", "box was open*", "torn box", "crushed box",
        ),
        ("packaging", "packing", "package", "wrapping", "parcel", "box"),
    ),
}
KO_GOOD = (
    "좋", "만족", "최고", "감사", "예쁘", "예뻐", "예뻤", "이쁘", "이뻐", "마음에들", "맘에들", "맛있", "훌륭", "추천",
    "친절", "빠르", "빨라", "빨랐", "완벽", "튼튼", "꼼꼼",
)  # fmt: skip
KO_BAD = (
    "별로", "나쁘", "나빠", "나빴", "나쁜", "최악", "실망", "아쉬", "아쉽", "불편", "엉망", "형편없", "불친절", "불만",
    "부족", "짜증", "화가나", "답답", "느리", "느려", "느렸", "허술", "과하", "과대", "심해", "심하", "문제가", "불쾌",
)  # fmt: skip
KO: dict[str, Lexicon] = {
    "late_delivery": Lexicon(
        (
            "늦게도착", "늦게왔", "늦게와", "늦게받", "늦게배송", "배송이늦", "배송늦", "배송도늦", "배송이느",
            "배송느", "배송이너무늦", "배송이너무느", "너무늦", "배송지연", "배송이지연", "지연되", "지연돼",
            "지연됐", "늦어졌", "오래걸", "오래기다", "안왔어", "안와요", "안옵니다", "아직도착하지않", "아직도안",
            "아직안왔", "도착하지않", "한참기다", "예정일보다늦",
        ),
        ("배송", "택배", "도착"),
    ),
    "damaged": Lexicon(
        (
            "파손", "깨져", "깨졌", "깨진", "깨지", "부서", "부러", "찌그러", "찌그려", "찢어", "찢긴", "망가",
            "훼손", "새서", "샜", "흘러", "터져", "터졌", "금이갔", "금이가", "긁혀", "긁힌", "흠집", "스크래치",
        ),
    ),
    "wrong_item": Lexicon(
        (
            "오배송", "잘못왔", "잘못보내", "잘못배송", "다른상품", "다른제품", "다른물건", "다른색", "다른게왔",
            "누락", "빠져있", "빠졌", "덜왔", "안들어있", "들어있지않", "설명과달", "사진과달", "사진이랑달",
            "화면과달",
        ),
    ),
    "quality": Lexicon(
        (
            "품질이떨어", "품질저하", "불량", "하자", "고장", "작동이안", "작동안", "작동하지않", "금방망가",
            "금방떨어", "실밥", "보풀", "물빠짐", "색이빠", "색빠", "싸구려", "마감이", "맛없", "맛이없", "눅눅",
            "상했", "냄새가심", "냄새가나", "변색", "오래못가",
        ),
        ("품질", "퀄리티", "재질", "소재", "원단", "마감", "내구성", "맛이", "향이"),
    ),
    "size_fit": Lexicon(
        (
            "사이즈가안", "사이즈안맞", "안맞", "맞지않", "너무작", "너무커", "너무크", "너무컸", "작아요", "작았",
            "작네", "커요", "컸어", "크네요", "헐렁", "꽉끼", "끼어서", "끼네", "작게나", "크게나", "사이즈가작",
            "사이즈가크", "사이즈가커",
        ),
        ("사이즈", "치수", "핏이", "길이가"),
    ),
    "price": Lexicon(
        (
            "비싸", "비쌌", "비쌉", "비싼", "비쌈", "가성비가떨어", "돈이아까", "돈아까", "가격이부담",
            "가격대비별로", "배송비가부담", "배송비부담",
        ),
        ("가격", "가성비", "배송비", "값이", "값어치"),
    ),
    "service": Lexicon(
        (
            "불친절", "응대가별로", "답변이없", "답이없", "답변이안", "답변을안", "답변을못", "연락이안",
            "연락이없", "연락도없", "전화를안", "전화를받지않", "무시", "무례", "무성의", "환불을안", "환불안",
            "환불이안", "교환이안", "교환안해",
        ),
        ("응대", "상담", "고객센터", "서비스", "직원", "문의", "환불", "교환", "답변"),
    ),
    "website": Lexicon(
        (
            "결제가안", "결제안되", "결제오류", "결제가되지않", "로그인이안", "로그인안되", "사이트오류",
            "오류가나", "오류가생", "오류가자주", "에러가", "사이트가느", "화면이안", "페이지가안", "찾기힘들",
            "찾기어려", "주문하기어려", "주문이어려",
        ),
        ("홈페이지", "사이트", "쇼핑몰", "웹사이트", "어플", "결제", "로그인", "화면"),
    ),
    "packaging": Lexicon(
        (
            "포장이허술", "포장이부실", "포장이엉망", "포장이별로", "포장이과", "과대포장", "과한포장", "포장이안",
            "포장이찢", "포장이뜯", "상자가찌그러", "상자가찢", "박스가찌그러", "박스가찢", "박스가터",
            "비닐이너무많", "완충재가없", "완충재없", "뽁뽁이도없", "뽁뽁이없",
        ),
        ("포장", "박스", "상자"),
    ),
}
