"""The phrases around an answer: what leads to it, and where it ends.

Covered: English and Chinese; leads in German and French. Every repeat is bounded, so that no text costs more than its length. Not
covered: answers in the middle of a sentence.
"""

from __future__ import annotations

import re

from rewards._math.finding.hedges import unsure
from rewards._math.finding.passing import only_value
from rewards._math.finding.retraction import retraction
from rewards._math.reading.lex import MAX_CHARACTERS

PHRASE = re.compile(
    r"####\s{0,9}|(?:^|\n)[#* \t]{0,9}(?:final\s{1,3})?answer[*: \t]{0,6}\n\s{0,9}"
    r"|\b(?:final\s{1,3}|correct\s{1,3}|right\s{1,3}|our\s{1,3}|my\s{1,3})?(?:answer|final result|final solution)"
    r"(?:\s{1,3}(?:to|for|of|choice|option)\b[^.\n:=$]{0,60})?(?:\s{0,3}\*\*)?\s{0,9}"
    r"(?:\bis(?!n['’]t| (?:not|in the|the same|given|clear|found|obtained|wrong|incorrect)\b)|\bare\b|\bwas\b|\bequals\b|:|="
    r"|(?:would|should|must|will) be|is then|comes to)"
    r"(?:\s{1,3}(?:therefore|thus|then|simply|just|indeed))?\s{0,3}:?(?:\s{0,3}\*\*)?\s{0,9}"
    r"|(?:最终的?|正确的?|最后的?)?(?:答案|最终结果)(?:应该|应当|应)?(?:就)?(?:是|为|：|:|等于|选|改为|改成)\s{0,3}[:：]?\s{0,9}"
    r"|(?:^|\n|。)\s{0,3}(?:答|解)\s{0,3}[:：]\s{0,9}|(?:故|所以|因此|应)选择?\s{0,3}[:：]?\s{0,9}"
    r"|\b(?:antwort|endergebnis|ergebnis|lösung(?= (?:ist|lautet) [-\d$\\]))(?:\s{0,3}\*\*)?\s{0,3}(?:ist|lautet|wäre|:)"
    r"(?! (?:nicht|falsch)\b)(?:\s{1,3}(?:also|daher|somit))?\s{0,3}:?\s{0,9}"
    r"|\b(?:réponse|r[ée]sultat final)(?: finale| correcte| exacte| juste)?(?:\s{0,3}\*\*)?\s{0,3}(?:est|serait|:)"
    r"(?! (?:fausse|pas)\b)(?:\s{1,3}donc)?\s{0,3}:?\s{0,9}",
    re.IGNORECASE,
)
_IS_THE_ANSWER = re.compile(
    r" (?:is|are|must be|should be)(?: (?:actually|really|indeed))? (?:the|my|our) (?:(?:final|correct|required|right|real|actual) )?"
    r"(?:answer|value|result)$",
    re.IGNORECASE,
)
_VERB = (
    r"\b(?:is|are|equals|get|have|has|gives|find|be|was|costs?|makes?|needs?|becomes|comes to|amounts to|totals|leaves"
    r"|yields|(?:falls?|lands?|is) on(?: an?)?)\b"
)
_HAN_VERB = r"等于|(?<!不)(?:是|为)|(?:一共|总共|共)?有|一共|总共|共|得到?|需要?"
CONCLUSION = re.compile(rf"(?:{_VERB}|=|{_HAN_VERB})\s{{0,3}}:?\s{{0,3}}")
_STATES = re.compile(rf"(?:{_VERB}|:|：|{_HAN_VERB})\s{{0,3}}:?\s{{0,3}}", re.IGNORECASE)
_RIVAL = re.compile(rf"^(?:\\[A-Za-z]{{1,20}}|\W){{0,4}}\d|(?:{_VERB}|=|:)\s{{0,3}}[$(\\-]{{0,3}}\d", re.IGNORECASE)
_END = re.compile(r"\.(?=\s|$|[*\"”])|[。\n]|(?<=\w)[!?](?=\s|$)|！|？")
_REASON = re.compile(
    r"[,，]?\s{0,3}(?:\b(?:because|since|which|as (?:we|it|the|shown|required|desired|expected)|so that|obtained|by the"
    r"|weil|denn|da|car)\b|因为|由于|即为)",
    re.IGNORECASE,
)
_REMARK = re.compile(  # what is said about an answer behind a comma: `42, and I stand by that`; but `1, i` is a list
    r"(?:(?<!\\)[,;]| [—–-]| \() {0,3}(?:(?:and|but|though|although|even if|even though|where|with) )?"
    r"(?:I|we|it|this|that|there|you|one|die|der|das|es|man|cela|ce|on|the|earlier|not)\b|[，；（]\s?(?:其实|这|此|也|而且)"
)
_CONTRAST = re.compile(
    r"(?:\bnot|\bnicht|\bpas|不是) {0,2}[-−]?[$\\\d][^,，]{0,40}"
    r"(?:[,，] ?(?:but|it is|it's|sondern|es ist|mais|c'est|而是|是)| (?:but|mais|it is|it's)) ?",
    re.IGNORECASE,
)
_POSSIBLE = re.compile(r"\b(?:that|which|who|as) (?:can|could|might|may|would)\b", re.IGNORECASE)  # the most that could be
_YES_NO = re.compile(r"(yes|no|true|false|ja|nein|oui|non|是|否|对|错)\s{0,3}[,.;:，。；：–—-]\s{0,3}(?=\D)", re.IGNORECASE)
_TURNS = re.compile(r"\b(?:no|not (?:really|quite|exactly)|yes|but|however|or|wait|nein|aber|mais|non)\b|不是|但", re.IGNORECASE)
_DISPLAY = re.compile(r"\s{0,9}(?:\\\[(?P<a>(?:[^\\]|\\[^\[\]]){1,600})\\\]|\$\$(?P<b>[^$]{1,600})\$\$)")
_CHINESE = re.compile("[\u4e00-\u9fff]{2}")
_DENIED = re.compile(r"(?:,| (?:and|but)|，|,? ?而) {0,3}(?:not|nicht|(?:et )?non|pas|不是) {0,3}(?=[-−$\\\d(])")  # `84, not -84`
_SIGN = re.compile(r"^[-−]\s{1,9}")  # of a formula; elsewhere, a mark of a list
FORMULA = re.compile(r"[$\\\d]")
DENIALS = ("not ", "nicht ", "pas ", "不")
STYLES = ("**", "__", "*", "_", "`", '\\"', '"')
# A mark of quotation stands before a sentence; before a value it is a relation.
_LEADING_STYLE = re.compile(r"(?:[\s*_#]|-{1,9}(?=[\s*_#])|>(?=\s{0,9}[A-Z][a-z]{1,20}\s)){1,9}(?=[^\d\s.(\\{])")


def sentence(text: str, start: int) -> tuple[str, int]:
    """From `start` to the end of the sentence, and where that is; a displayed formula is taken whole."""
    shown = _DISPLAY.match(text, start)
    if shown:
        return _SIGN.sub("-", str(shown["a"] or shown["b"]).strip()), shown.end()
    while start < len(text) and text[start] in " \t\n*":
        start += 1
    stop = _END.search(text, start, start + MAX_CHARACTERS)
    end = stop.start() if stop else min(len(text), start + MAX_CHARACTERS)
    return text[start:end].strip(), end


def variants(body: str) -> tuple[str, ...]:
    """The ways to cut an answer out of a phrase: as it stands, without the reason after it, without the words before it."""
    body = unstyled(body)
    reason = _REASON.search(body)
    cut = body[: reason.start()].strip() if reason and not retraction(body, reason.start(), body[: reason.start()]) else body
    remark = _REMARK.search(cut)
    if remark and not unsure(cut[remark.start() :]) and not retraction(cut, remark.start(), cut[: remark.start()]):
        cut = cut[: remark.start()]
    yes_no = _YES_NO.match(body)
    told = yes_no[1] if yes_no and not _TURNS.search(body[yes_no.end() :]) else ""
    denied = _DENIED.search(cut)
    first = cut[: denied.start()] if denied else ""
    found = (body, cut, first, contrasted(cut), unstyled(stated(cut)), only_value(cut), told)
    return tuple(dict.fromkeys(text for text in found if text)) or (body,)


def contrasted(sentence: str) -> str:
    """What a sentence names instead of another value: 42 of `not 8 but 42`."""
    found = _CONTRAST.search(sentence)
    return sentence[found.end() :].strip() if found else ""


def unstyled(text: str) -> str:
    """A text without the marks of Markdown around it."""
    text = text.strip()
    for mark in STYLES:
        inside = text[len(mark) : -len(mark)]
        if inside and text == f"{mark}{inside}{mark}" and mark not in inside:
            return unstyled(inside)
    found = _LEADING_STYLE.match(text)
    text = text[found.end() :] if found else text
    bare = text.rstrip("*_`")
    return bare if bare else text


def yes_or_no(text: str) -> str:
    """The first word of `Yes, because ...`; empty where a text is anything else."""
    found = _YES_NO.match(text.strip())
    return found[1] if found and not _TURNS.search(text[found.end() :]) else ""


def subject(sentence: str) -> str:
    """What a sentence calls the answer: `x + 1` of `x + 1 is the answer`; empty where it calls nothing so."""
    found = _IS_THE_ANSWER.search(sentence)
    return sentence[: found.start()].strip() if found else ""


def stated(sentence: str) -> str:
    """What a sentence says that something is: 小明有5个苹果, `the volume is 5`. Empty where it says more than one thing, or is unsure."""
    ends = list(_STATES.finditer(sentence[-400:]))
    if not ends or (not _CHINESE.match(sentence) and not _says_one_thing(sentence[-400:][: ends[-1].start()])):
        return ""
    value = sentence[-400:][ends[-1].end() :].strip()
    return "" if value.lower().startswith(DENIALS) and FORMULA.search(value) else value


def _says_one_thing(before: str) -> bool:
    return not unsure(_POSSIBLE.sub("", before)) and not _RIVAL.search(before)
