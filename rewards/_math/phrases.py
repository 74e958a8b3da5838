"""The phrases around an answer: what leads to it, where it ends, what hedges it.

Covered: English and Chinese; leads in German and French. What takes an answer back is in `retraction`. Every repeat is
bounded, so that no text costs more than its length. Not covered: irony.
"""

from __future__ import annotations

import re

from rewards._math.lex import MAX_CHARACTERS
from rewards._math.retraction import retraction

NEAR = 90  # characters around an answer that may hedge it

PHRASE = re.compile(
    r"####\s{0,9}|(?:^|\n)[#* \t]{0,9}(?:final\s{1,3})?answer[*: \t]{0,6}\n\s{0,9}"
    r"|\b(?:final\s{1,3}|correct\s{1,3}|right\s{1,3}|our\s{1,3}|my\s{1,3})?(?:answer|final result|final solution)"
    r"(?:\s{1,3}(?:to|for|of|choice|option)\b[^.\n:=$]{0,60})?(?:\s{0,3}\*\*)?\s{0,9}"
    r"(?:is(?! (?:not|in the|the same|given|clear|found|obtained)\b)|are|was|equals|:|=|(?:would|should|must|will) be|is then|comes to)"
    r"(?:\s{1,3}(?:therefore|thus|then|simply|just|indeed))?\s{0,3}:?(?:\s{0,3}\*\*)?\s{0,9}"
    r"|(?:最终的?|正确的?|最后的?)?(?:答案|最终结果)(?:应该|应当|应)?(?:就)?(?:是|为|：|:|等于|选|改为|改成)\s{0,3}[:：]?\s{0,9}"
    r"|(?:^|\n|。)\s{0,3}(?:答|解)\s{0,3}[:：]\s{0,9}|(?:故|所以|因此|应)选择?\s{0,3}[:：]?\s{0,9}"
    r"|\b(?:antwort|endergebnis|ergebnis)(?:\s{0,3}\*\*)?\s{0,3}(?:ist|lautet|wäre|:)"
    r"(?! (?:nicht|falsch)\b)(?:\s{1,3}(?:also|daher|somit))?\s{0,3}:?\s{0,9}"
    r"|\b(?:réponse|r[ée]sultat final)(?: finale| correcte| exacte| juste)?(?:\s{0,3}\*\*)?\s{0,3}(?:est|serait|:)"
    r"(?! (?:fausse|pas)\b)(?:\s{1,3}donc)?\s{0,3}:?\s{0,9}",
    re.IGNORECASE,
)
_VERB = (
    r"\b(?:is|are|equals|get|have|has|gives|find|be|was|costs?|makes?|needs?|becomes|comes to|amounts to|totals|leaves"
    r"|yields|(?:falls?|lands?|is) on(?: an?)?)\b"
)
_HAN_VERB = r"等于|(?<!不)(?:是|为)|(?:一共|总共|共)?有|一共|总共|共|得到?|需要?"
CONCLUSION = re.compile(rf"(?:{_VERB}|=|{_HAN_VERB})\s{{0,3}}:?\s{{0,3}}")
_STATES = re.compile(rf"(?:{_VERB}|:|：|{_HAN_VERB})\s{{0,3}}:?\s{{0,3}}", re.IGNORECASE)
_RIVAL = re.compile(rf"^\W{{0,4}}\d|(?:{_VERB}|=|:)\s{{0,3}}[$(\\-]{{0,3}}\d", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:or|either|neither|not|no|isn't|aren't|never|maybe|perhaps|possibly|probably|guess|if|unless|suppose|assum\w{1,5}|might|could|would|may"
    r"|wrong|incorrect|false|oder|vielleicht|nicht|kein\w{0,2}|ou|peut-être|pas)\b|\?|或|可能|也许|不|没|如果|若|假设",
    re.IGNORECASE,
)
_GUESS = re.compile(r"\b(?:maybe|perhaps|possibly|either|guess|might|vielleicht|peut-être)\b|可能|也许", re.IGNORECASE)
_END = re.compile(r"\.(?=\s|$|[*\"”])|[。\n]|(?<=\w)[!?](?=\s|$)|！|？")
_REASON = re.compile(
    r"[,，]?\s{0,3}(?:\b(?:because|since|which|as (?:we|it|the|shown|required|desired|expected)|so that|obtained|by the"
    r"|weil|denn|da|car)\b|因为|由于|即为)",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"(yes|no|true|false|ja|nein|oui|non|是|否|对|错)\s{0,3}[,.;:，。；：–—-]\s{0,3}(?=\D)", re.IGNORECASE)
_TURNS = re.compile(r"\b(?:no|not (?:really|quite|exactly)|yes|but|however|or|wait|nein|aber|mais|non)\b|不是|但", re.IGNORECASE)
_DISPLAY = re.compile(r"\s{0,9}(?:\\\[(?P<a>(?:[^\\]|\\[^\[\]]){1,600})\\\]|\$\$(?P<b>[^$]{1,600})\$\$)")
_ALIKE = r"(?!\s{0,3}(?:equivalently|simply|just|in other words|about|approximately|\\?approx))"
# What may be done with an answer says nothing against it: "this may be verified".
_DONE = (
    r"(?!\s{1,3}(?:verified|checked|seen|shown|written|found|obtained|simplified|expressed|confirmed|proved|proven|derived|solved|done))"
)
_CLOSERS = " \t\n$()],;*"
_AFTER = re.compile(
    rf"^(?:or\b{_ALIKE}|或|还是|isn't|不对|不是|是错|oder\b|ou\b"
    r"|(?:is|are|was|seems?)\s{1,3}(?:not\b|wrong|incorrect|false|a guess))"
    rf"|(?<!\byou )(?<!\bone )\b(?:could|might|may)\s{{1,3}}(?:also\s{{1,3}}|instead\s{{1,3}})?be\b{_DONE}"
    r"|\balternatively\b(?!,?\s{1,3}(?:one|we|you|it)\b)"
    r"|\banother\s{1,3}(?:possible\s{1,3})?answer\b|\balso\s{1,3}(?:a\s{1,3})?possible\b"
    r"|\b(?:not|un)\s{0,3}(?:entirely\s{1,3}|quite\s{1,3}|really\s{1,3})?(?:sure|certain)\b|也可能|或者|不确定",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:\b(?:or|not|isn't|either|maybe|perhaps|possibly|oder|nicht|ou|pas)|(?:could|might|may)\s{1,3}(?:also\s{1,3})?be|不是|或者?|也许|可能是?)"
    r"[\s$(:]{0,9}(?:\\[(\[])?\s{0,9}$",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\b(?:and|or|also|as well as|alternatively|either|maybe|perhaps|possibly|another|could|might|be|it|is|are|the|final|answer|answers"
    r"|so|possible|part|parts|case|solution|solutions|other|one|first|second|third|option|guess|my|attempt|try|possibility|text|boxed|for"
    r"|question|problem|[a-e]|i{1,3}|x|y|z)\b|\d|或者?|和|以及|答案|是|为|也|可能|还",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:or|alternatively|maybe|perhaps|possibly|either)\b|\b(?:could|might|may)\s{1,3}(?:also\s{1,3})?be\b|或|可能",
    re.IGNORECASE,
)
_LISTS = re.compile(r"[\s$),;\\]{0,9}(?:\b(?:and|while|und|et)\b|和|以及|而|(?<=[,;])\s|，)", re.IGNORECASE)
_CONCLUDES = re.compile(
    r"[.!?](?=\s)|\n\s{0,9}\n|[。！？]|=|\b(?:so|thus|therefore|hence|then|get|gives?|yields?|obtain|which|since|because|but|if|not|actually|after|from"
    r"|finally|leads?|means?|implies|checking|instead|that)\b|所以|因此|故|则|得",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\\[a-zA-Z]{1,30}")
_LETTER = re.compile(r"[^\W\d_]")
_CHINESE = re.compile("[\u4e00-\u9fff]{2}")
_DENIED = re.compile(r"(?:,| (?:and|but)|，|,? ?而) {0,3}(?:not|nicht|(?:et )?non|pas|不是) {0,3}(?=[-−$\\\d(])")  # `84, not -84`
FORMULA = re.compile(r"[$\\\d]")
DENIALS = ("not ", "nicht ", "pas ", "不")
STYLES = ("**", "__", "*", "_", "`")
# A mark of quotation stands before a sentence; before a value it is a relation.
_LEADING_STYLE = re.compile(r"(?:[\s*_#]|-{1,9}(?=[\s*_#])|>(?=\s{0,9}[A-Z][a-z]{1,20}\s)){1,9}(?=[^\d\s.(\\])")


def hedge(text: str, start: int, end: int) -> str:
    """The words around text[start:end] that hedge it: `or` beside it, `might be` after it."""
    found = _BEFORE.search(text[max(0, start - NEAR) : start])
    return found[0].strip() if found else hedge_after(text, end)


def hedge_after(text: str, end: int) -> str:
    """The same, after it only."""
    found = _AFTER.search(_without_closers(text[end : end + NEAR]))
    return found[0].strip() if found else ""


def _without_closers(text: str) -> str:
    """A text without the signs that close a formula or a sentence at its start."""
    bare = text.lstrip(_CLOSERS + ".")
    return bare[2:].lstrip(_CLOSERS + ".") if bare.startswith((r"\)", r"\]")) else bare


def linked(between: str) -> bool:
    """Whether two answers are one list, or two tries: nothing, links, or `and the width is` stands between them."""
    if len(between) > NEAR:
        return False
    bare = _COMMAND.sub(" ", between)
    if not _LETTER.search(_LINK.sub(" ", bare)) or _HEDGE.search(bare):
        return True
    return bool(_LISTS.match(between)) and not _CONCLUDES.search(between)


def only_links(between: str) -> bool:
    """Whether nothing but links stands between two answers."""
    return len(between) <= NEAR and not _LETTER.search(_LINK.sub(" ", _COMMAND.sub(" ", between)))


def sentence(text: str, start: int) -> tuple[str, int]:
    """From `start` to the end of the sentence, and where that is; a displayed formula is taken whole."""
    shown = _DISPLAY.match(text, start)
    if shown:
        return str(shown["a"] or shown["b"]).strip(), shown.end()
    while start < len(text) and text[start] in " \t\n*":
        start += 1
    stop = _END.search(text, start, start + MAX_CHARACTERS)
    end = stop.start() if stop else min(len(text), start + MAX_CHARACTERS)
    if text[end : end + 1] == "\n" and text.count("$", start, end) % 2:  # within a formula: it goes on to its other sign
        paragraph = text.find("\n\n", end, start + MAX_CHARACTERS)
        closing = text.find("$", end, paragraph if paragraph >= 0 else start + MAX_CHARACTERS)
        end = closing + 1 if closing >= 0 else end
    return text[start:end].strip(), end


def variants(body: str) -> tuple[str, ...]:
    """The ways to cut an answer out of a phrase: as it stands, without the reason after it, without the words before it."""
    body = unstyled(body)
    reason = _REASON.search(body)
    taken_back = reason and retraction(body, reason.start())
    cut = body[: reason.start()].strip() if reason and not taken_back else body
    yes_no = _YES_NO.match(body)
    told = yes_no[1] if yes_no and not _TURNS.search(body[yes_no.end() :]) else ""
    denied = _DENIED.search(cut)
    first = cut[: denied.start()] if denied else ""
    return tuple(dict.fromkeys(t for t in (body, cut, first, stated(cut), told) if t)) or (body,)


def unstyled(text: str) -> str:
    """A text without the marks of Markdown around it."""
    text = text.strip()
    for mark in STYLES:
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            return unstyled(text[len(mark) : -len(mark)])
    found = _LEADING_STYLE.match(text)
    text = text[found.end() :] if found else text
    bare = text.rstrip("*_`")
    return bare if bare else text


def yes_or_no(text: str) -> str:
    """The first word of `Yes, because ...`; empty where a text is anything else."""
    found = _YES_NO.match(text.strip())
    return found[1] if found and not _TURNS.search(text[found.end() :]) else ""


def stated(sentence: str) -> str:
    """What a sentence says that something is: 小明有5个苹果, `the volume is 5`. Empty where it says more than one thing, or is unsure."""
    ends = list(_STATES.finditer(sentence[-400:]))
    if not ends or (not _CHINESE.match(sentence) and not _says_one_thing(sentence[-400:][: ends[-1].start()])):
        return ""
    value = sentence[-400:][ends[-1].end() :].strip()
    return "" if value.lower().startswith(DENIALS) and FORMULA.search(value) else value


def _says_one_thing(before: str) -> bool:
    return not _UNSURE.search(before) and not _RIVAL.search(before)


def guesses(text: str) -> bool:
    """Whether a text has a word such as `maybe`."""
    return bool(_GUESS.search(text))


def unsure(text: str) -> bool:
    """Whether a text has a word by which it commits to nothing."""
    return bool(_UNSURE.search(text))
