"""Plain-text and regional notations, written as LaTeX has them.

Covered: `U` between intervals, `a in [0, 1)`, `+/-`, `R \\ {1}`, `]0, 1[`, binomials as `C(5, 2)`, `C_5^2`, `_5C_2`, `{5 \\choose 2}`.
Not covered: `5C2`, which is a number in base 16 as well.
"""

from __future__ import annotations

import re

_UNION = re.compile(r"(?<=[\])}])\s*U\s*(?=[\[({\\])")
_MEMBER = re.compile(r"(?<![A-Za-z])([A-Za-z])\s+in\s+(?=[\[({\\])")
_WITHOUT = re.compile(r"(?<=[R}])\s*\\(?:\s+|(?<=R\\)|(?=\\))(?=\\?\{)")  # but not between `\}` and `\{`
_OUTWARD = re.compile(r"^\s*\]|\[\s*$|\[\s*(?:\\cup|∪)|(?:\\cup|\\in|∪|∈)\s*\]")
_INTERVAL = re.compile(r"([\[\]])([^\[\],;]{0,200}[,;][^\[\]]{0,200}+)([\[\]])")
_FROM, _TO = {"[": "[", "]": "("}, {"]": "]", "[": ")"}
_CHOOSE = re.compile(r"\{([^{}]+)\\choose(?![A-Za-z])([^{}]+)\}")
_N = r"\{?(\d{1,3})\}?"
_BINOMIAL = re.compile(
    rf"(?<![A-Za-z\\])(?:C\s*\(\s*(\d{{1,3}})\s*,\s*(\d{{1,3}})\s*\)|(?:\{{\}})?[_^]{_N}\s*C_?{_N}(?!\d)|C_{_N}\s*\^\s*{_N}(?!\d))"
)


def as_latex(text: str) -> str:
    """The same text with these notations in LaTeX."""
    if "[" in text and "]" in text and _OUTWARD.search(text):
        text = _INTERVAL.sub(lambda m: f"{_FROM[m[1]]}{m[2]}{_TO[m[3]]}", text)
    if "C" in text or "choose" in text:
        text = _BINOMIAL.sub(_binomial, _CHOOSE.sub(r"\\binom{\1}{\2}", text))
    text = _MEMBER.sub(r"\1 \\in ", _UNION.sub(r" \\cup ", text)).replace("+/-", r"\pm ")
    return _WITHOUT.sub(r"\\setminus ", text) if "\\" in text else text


def _binomial(found: re.Match[str]) -> str:
    top, bottom = (part for part in found.groups() if part is not None)
    return rf"\binom{{{top}}}{{{bottom}}}" if int(top) >= int(bottom) else found[0]
