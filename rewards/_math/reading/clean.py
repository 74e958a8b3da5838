"""One spelling for what may be written in many: Unicode, spacing and style commands, delimiters, digit grouping.

Covered: full-width digits, Unicode minus, dashes, superscripts, vulgar fractions, roots, Greek, relation and set signs;
`1{,}234`, `1\\,234`, `1 234 567`; dollar signs as delimiters and as money. Not covered: a comma as decimal sign outside
`3{,}14`, lakh grouping.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rewards._math.reading.markup import unmarked
from rewards._math.reading.notations import as_latex

_SUPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿˣ", "0123456789+-()nx", strict=True))
_SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n", strict=True))
_GREEK = dict(zip("αβγδθλμρστφωπ", "alpha beta gamma delta theta lambda mu rho sigma tau phi omega pi".split(), strict=True))
_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "×": r"\times ", "✕": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "•": r"\cdot ",
    "∙": r"\cdot ", "÷": r"\div ", "∞": r"\infty ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "±": r"\pm ", "∓": r"\mp ", "≤": r"\le ",
    "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "≃": r"\approx ",
    "°": r"\degree ",
    "℃": r"\degree C", "℉": r"\degree F", "∅": r"\emptyset ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}",
    "ℚ": r"\mathbb{Q}",
    "∨": r"\lor ", "∧": r"\land ", "∖": r"\setminus ", "→": r"\to ", "′": "'", "’": "'", "、": ",", "。": ".", "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "¢": r"\text{ cents}", "￠": r"\text{ cents}", "￡": "£", "￥": "¥", "∣": "|", "∶": ":", "∗": "*", "⁄": "/", "Ω": r"\Omega ",
    "Δ": r"\Delta ", "∠": r"\angle ", "✓": "", "✔": "", "✅": "", "∎": "",
    "㎡": r"\text{ m}^2", "㎥": r"\text{ m}^3", "㎠": r"\text{ cm}^2",
    "㎤": r"\text{ cm}^3", "㎢": r"\text{ km}^2", "㎟": r"\text{ mm}^2",
}  # fmt: skip
_TABLE = str.maketrans(_SIGNS | {g: f"\\{name} " for g, name in _GREEK.items()})
_RAISED = re.compile(f"[{''.join(map(re.escape, _SUPER))}]+")
_LOWERED = re.compile(f"[{''.join(_SUB)}]+")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_ROOT = re.compile(r"([√∛∜])\s{0,9}(?:(\d+(?:\.\d+)?|[A-Za-z])|(?=[({\\]))")
_DEGREE = re.compile(r"\^\s{0,9}\{\s{0,9}\\circ\s{0,9}\}|\^\s{0,9}\\circ(?![A-Za-z])|\\degrees?(?![A-Za-z])|\\textdegree(?![A-Za-z])")
_STYLE = re.compile(
    r"\\(?:left|right|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|biggl|biggr|displaystyle|textstyle|limits|mathstrut|middle)(?![A-Za-z])\.?"
    r"|\\(?:mathbf|boldsymbol|mathit|mathcal|bm|mathbin|mathrel|mathord|underline|pmb)(?![A-Za-z])"
)
_SPACE = re.compile(r"(?<!\\)\\(?:[,;:!> ]|(?:quad|qquad|enspace|thinspace)(?![A-Za-z])|hspace\*?\{[^{}]*\})|~|[\u200b\ufeff]|(?<!\\)\\\n")
_GROUPED = re.compile(
    r"(?<![\d.])\d{1,3}(?:(?:\s{0,9}(?:\{\s?,\s?\}|,\\!|\\,|\\;|\\:|\\ |~|\\!|['\u2009\u202f\u00a0])\s{0,9}|[ ])\d{3})+(?!\d)"
)
_DECIMAL_COMMA = re.compile(r"(?<=\d)\{,\}(?=\d)")
_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_EMPTY_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mbox)\s{0,9}\{\s{0,9}([.,;:]?)\s{0,9}\}")
_DELIMITER = re.compile(r"(?<!\\)\\[()\[\]]")
_POWER = re.compile(r"(?<=[\w)])\*\*(?=[\w(])")
_BLACKBOARD = re.compile(r"\\mathbb\s{0,9}([A-Z])")
_OVER = re.compile(r"(?:\{|(?<=\})|\A)([^{}]{1,60})\\over(?![A-Za-z])([^{}]{1,60})\}?")
_NEGATIVE = re.compile(r"(?:\\text\s{0,9}\{\s{0,9})?\b(?:negative|minus)\b\s{0,9}\}?\s{0,9}(?=[\d\\.])", re.IGNORECASE)
_SINGLE_DOLLAR = re.compile(r"(?<!\\)\$")
_RENAME = {
    "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac", "dbinom": r"\binom", "tbinom": r"\binom", "leq": r"\le", "leqslant": r"\le",
    "geq": r"\ge", "geqslant": r"\ge", "neq": r"\ne", "lt": "<", "gt": ">", "varnothing": r"\emptyset", "lvert": "|", "rvert": "|",
    "vert": "|", "mid": "|", "lbrace": r"\{", "rbrace": r"\}", "lbrack": "[", "rbrack": "]", "lparen": "(", "rparen": ")",
    "backslash": r"\setminus", "vee": r"\lor", "wedge": r"\land", "ast": "*", "cdotp": r"\cdot", "dots": "...", "ldots": "...",
    "cdots": "...", "euro": "€", "pounds": "£", "yen": "¥", "colon": ":", "percent": "%", "simeq": r"\approx", "textdollar": r"\$",
    "thickapprox": r"\approx", "Reals": r"\mathbb{R}", "R": r"\mathbb{R}", "infin": r"\infty", "varphi": r"\phi", "iff": r"\Leftrightarrow",
}  # fmt: skip
_NAMED = re.compile(rf"\\({'|'.join(sorted(_RENAME, key=len, reverse=True))})(?![A-Za-z])")


def _rename(found: re.Match[str]) -> str:
    new = _RENAME[found[1]]
    return f"{new} " if new[0] == "\\" and new[-1].isalpha() else new


def _vulgar(found: re.Match[str]) -> str:
    top, _, bottom = unicodedata.normalize("NFKC", found[0]).partition("⁄")
    return rf"\frac{{{top}}}{{{bottom}}}"


def _root(found: re.Match[str]) -> str:
    order = {"√": "", "∛": "[3]", "∜": "[4]"}[found[1]]
    return rf"\sqrt{order}" + (f"{{{found[2]}}}" if found[2] else "")


def _join(found: re.Match[str]) -> str:
    return re.sub(r"\D", "", found[0])


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """The same mathematics in one spelling. Text inside \\text{} keeps its wrapper: it says that words are words."""
    if not text.isascii():
        text = _unicode(text)
    text = as_latex(text)
    text = _EMPTY_TEXT.sub(r"\1", _BOX.sub("", text))
    text = _DELIMITER.sub("", _POWER.sub("^", text)).replace("**", "").replace(",\\!", "{,}")
    text = _DECIMAL_COMMA.sub(".", _GROUPED.sub(_join, text))
    text = _DEGREE.sub(r"\\degree ", text)
    if "\\" in text:
        text = unmarked(text)
        text = _NAMED.sub(_rename, _SPACE.sub(" ", _STYLE.sub("", text))).replace(r"\%", "%")
        text = _OVER.sub(r"\\frac{\1}{\2}", _BLACKBOARD.sub(r"\\mathbb{\1}", text))
    text = _NEGATIVE.sub("-", text)
    return _dollars(text).replace("~", " ").strip().strip("`").rstrip("\\ ").strip()


def _unicode(text: str) -> str:
    text = _VULGAR.sub(_vulgar, text)
    text = _RAISED.sub(lambda m: "^{" + "".join(_SUPER[c] for c in m[0]) + "}", text)
    text = _LOWERED.sub(lambda m: "_{" + "".join(_SUB[c] for c in m[0]) + "}", text)
    text = _ROOT.sub(_root, text).translate(_TABLE)
    return unicodedata.normalize("NFKC", text).translate(_TABLE)


def _dollars(text: str) -> str:
    """Money keeps a sign of its own; dollar signs in pairs are delimiters."""
    text = text.replace("$$", "")
    if len(_SINGLE_DOLLAR.findall(text)) % 2:
        text = _SINGLE_DOLLAR.sub("\0", text, count=1)
    text = _SINGLE_DOLLAR.sub(" ", text).replace(r"\$", "\0")
    return text.replace("\0", r"\usd ")
