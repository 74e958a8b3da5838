"""The phrases around an answer: what leads to it, where it ends, what takes it back.

Covered: English and Chinese. Not covered: other languages; irony.
"""

from __future__ import annotations

import re

from rewards._math.lex import MAX_CHARACTERS

NEAR = 90  # characters around an answer that may hedge it

PHRASE = re.compile(
    r"####\s*|(?:^|\n)[#*\s]*(?:final\s+)?answer[*\s]*\n\s*"
    r"|\b(?:final\s+|correct\s+|our\s+|my\s+)?(?:answer|final result)(?:\s+(?:to|for|of|choice|option)\b[^.\n:=$]{0,60})?(?:\s*\*\*)?\s*"
    r"(?:is(?! (?:not|in the|the same|given|clear|found|obtained)\b)|are|was|equals|:|=|(?:would|should|must|will) be|is then|comes to)"
    r"(?:\s+(?:therefore|thus|then|simply|just|indeed))?\s*:?(?:\s*\*\*)?\s*"
    r"|(?:最终|正确|最后)?(?:答案|最终结果)(?:应该|应当)?(?:就)?(?:是|为|：|:|等于|选)\s*[:：]?\s*"
    r"|(?:^|\n|。)\s*(?:答|解)\s*[:：]\s*|(?:故|所以|因此|应)选择?\s*[:：]?\s*",
    re.IGNORECASE,
)
CONCLUSION = re.compile(
    r"(?:\b(?:is|are|equals|get|have|gives|find|be|was|costs?|makes?|needs?)\b|=|等于|(?<!不)(?:是|为)"
    r"|(?:一共|总共|共)?有|一共|总共|共|得到?|需要?)\s*:?\s*"
)
_END = re.compile(r"\.(?=\s|$|[*\"”])|[。\n]|(?<=\w)[!?](?=\s|$)|！|？")
_REASON = re.compile(
    r"[,，]?\s*(?:\b(?:because|since|which|as (?:we|it|the|shown|required|desired|expected)|so that|obtained|by the)\b|因为|由于|即为).*",
    re.DOTALL | re.IGNORECASE,
)
_DISPLAY = re.compile(r"\s*(?:\\\[(?P<a>.{1,600}?)\\\]|\$\$(?P<b>.{1,600}?)\$\$)", re.DOTALL)
_ALIKE = r"(?!\s*(?:equivalently|simply|just|in other words|about|approximately|\\?approx))"
# What may be done with an answer says nothing against it: "this may be verified".
_DONE = r"(?!\s+(?:verified|checked|seen|shown|written|found|obtained|simplified|expressed|confirmed|proved|proven|derived|solved|done))"
_AFTER = re.compile(
    rf"^[\s$()\].,;*]*(?:\\\)|\\\])?[\s$().,;*]*(?:or\b{_ALIKE}|或|还是|isn't|不对|不是|是错"
    r"|(?:is|are|was|seems?)\s+(?:not\b|wrong|incorrect|false|a guess))"
    rf"|\b(?:could|might|may)\s+(?:also\s+|instead\s+)?be\b{_DONE}|\balternatively\b(?!,?\s+(?:one|we|you|it)\b)|\banother\s+(?:possible\s+)?answer\b"
    r"|\balso\s+(?:a\s+)?possible\b|\b(?:not|un)\s*(?:entirely\s+|quite\s+|really\s+)?(?:sure|certain)\b|也可能|或者|不确定",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:\b(?:or|not|isn't|either|maybe|perhaps|possibly)|(?:could|might|may)\s+(?:also\s+)?be|不是|或者?|也许|可能是?)"
    r"[\s$(:]*(?:\\\(|\\\[)?\s*$",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\b(?:and|or|also|as well as|alternatively|either|maybe|perhaps|possibly|another|could|might|be|it|is|are|the|final|answer|answers"
    r"|so|possible|part|case|solution|solutions|other|one|first|second|third|option|guess|my|attempt|try|possibility|text|boxed|[a-e]|x|y|z)\b|\d|或者?|和|以及|答案|是|为|也|可能|还",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:or|alternatively|maybe|perhaps|possibly|either)\b|\b(?:could|might|may)\s+(?:also\s+)?be\b|或|可能",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_LETTER = re.compile(r"[^\W\d_]")
_CHINESE = re.compile("[\u4e00-\u9fff]{2}")
_STYLE = re.compile(r"^(?:[\s>*_#]|-+(?=[\s>*_#]))+(?=[^\d\s.(\\])|(?<![*_`])[*_`]+$")


def hedge(text: str, start: int, end: int) -> str:
    """The words around text[start:end] that take it back: `or` beside it, `is wrong` after it."""
    found = _BEFORE.search(text[max(0, start - NEAR) : start])
    return found[0].strip() if found else hedge_after(text, end)


def hedge_after(text: str, end: int) -> str:
    """The same, after it only."""
    found = _AFTER.search(text[end : end + NEAR])
    return found[0].strip() if found else ""


def linked(between: str) -> bool:
    """Whether two answers are one list, or two tries: nothing, or nothing but links, stands between them."""
    if len(between) > NEAR:
        return False
    bare = _COMMAND.sub(" ", between)
    return not _LETTER.search(_LINK.sub(" ", bare)) or bool(_HEDGE.search(bare))


def display(text: str) -> str:
    """The formula, where a text is one displayed formula; else empty."""
    found = _DISPLAY.fullmatch(text)
    return str(found["a"] or found["b"]) if found else ""


def sentence(text: str, start: int) -> tuple[str, int]:
    """From `start` to the end of the sentence, and where that is; a displayed formula is taken whole."""
    shown = _DISPLAY.match(text, start)
    if shown:
        return str(shown["a"] or shown["b"]).strip(), shown.end()
    while start < len(text) and text[start] in " \t\n*":
        start += 1
    stop = _END.search(text, start, start + MAX_CHARACTERS)
    end = stop.start() if stop else min(len(text), start + MAX_CHARACTERS)
    return text[start:end].strip(), end


def variants(body: str) -> tuple[str, ...]:
    """A phrase as it stands, and without the reason that follows it."""
    body = _STYLE.sub("", body.strip())
    cut = _REASON.sub("", body).strip()
    # 小明有5个苹果: Chinese puts a whole sentence where English puts the number.
    ends = list(CONCLUSION.finditer(cut)) if _CHINESE.match(cut) else []
    return tuple(dict.fromkeys(t for t in (body, cut, cut[ends[-1].end() :] if ends else "") if t)) or (body,)
