"""LaTeX that only says how things look, taken out; and LaTeX that says one thing in several ways, written in one.

Covered: colours, sizes, switches such as `\\bf`, invisible boxes, tags, end marks, row breaks with a distance, negated
relations, unit vectors, backslashes that are doubled throughout. An accent over anything else is part of its name. Not
covered: macros that a text defines itself.
"""

from __future__ import annotations

import re

_COLORS, _HIDDEN = "textcolor color colorbox".split(), "phantom hphantom vphantom tag label".split()
_SWITCHES = "bf it sf tt sl sc em cal bfseries itshape boldmath tiny scriptsize footnotesize small normalsize large Large LARGE".split()
_SWITCHES += "huge Huge scriptstyle scriptscriptstyle nolimits strut ensuremath mathop mathopen mathclose mathinner mathpunct".split()
_SWITCHES += "mathnormal hline nonumber notag centering noindent relax allowbreak nobreak".split()
_END_MARKS, _VECTORS = "checkmark blacksquare square Box qed bigstar".split(), "hat widehat vec".split()
_NAMES = frozenset([*_COLORS, *_HIDDEN, *_SWITCHES, *_END_MARKS, *_VECTORS, "not", "cr", "imath", "jmath", "\\"])
_NEGATED = {"=": r"\ne", "<": r"\ge", ">": r"\le", r"\le": ">", r"\leq": ">", r"\ge": "<", r"\geq": "<", r"\in": r"\notin"}
_UNREAD = r"\notrelated"  # a relation that is not read

_SINGLE = re.compile(r"(?<!\\)\\(?:[A-Za-z]|$)")  # where there is none, backslashes were escaped once too often
_PRIME = re.compile(r"\^\s{0,9}\{?\s{0,9}((?:\\prime\s{0,9})+)\}?")
_COMMAND = re.compile(r"\\([A-Za-z]+|\\)")
_COLOR = re.compile(rf"\\(?:{'|'.join(_COLORS)})\s{{0,9}}(?:\[[^\[\]]*\])?\s{{0,9}}\{{[^{{}}]*\}}")
_UNSEEN = re.compile(rf"\\(?:{'|'.join(_HIDDEN)})\*?\s{{0,9}}\{{[^{{}}]*\}}")
_SWITCH = re.compile(rf"\\(?:{'|'.join(_SWITCHES)})(?![A-Za-z])")
_END_MARK = re.compile(rf"(?<=[^\s{{])[\s$]*\\(?:{'|'.join(_END_MARKS)})\s{{0,9}}$")
_ROW = re.compile(r"\\\\\s*\[\s{0,9}-?[\d.]+\s{0,9}[a-z]{2}\s{0,9}\]|\\cr(?![A-Za-z])")
_NOT = re.compile(r"\\not\s{0,9}(=|<|>|\\(?:leq?|geq?|in|approx|equiv)(?![A-Za-z]))")
_UNIT_VECTOR = re.compile(
    rf"\\(?:{'|'.join(_VECTORS)})(?:(?=\s{{0,9}}\{{\s{{0,9}}(?:\\(?:mathbf|boldsymbol|bm)\s{{0,9}}\{{?\s{{0,9}})?(?:[ijk]|\\[ij]math)\s{{0,9}}\}})"
    r"|\s{0,9}(?=(?<=\s)[ijk](?![A-Za-z])|\\[ij]math))"
)


def unmarked(text: str) -> str:
    """A text with commands, without those that only say how it looks."""
    if r"\\" in text and not _SINGLE.search(text):
        text = text.replace(r"\\", "\\")
    text = _PRIME.sub(lambda m: "'" * m[1].count("p"), text)
    if _NAMES.isdisjoint(_COMMAND.findall(text)):
        return text
    text = _END_MARK.sub("", _SWITCH.sub(" ", _UNSEEN.sub("", _COLOR.sub("", text))))
    text = _NOT.sub(lambda m: f"{_NEGATED.get(m[1], _UNREAD)} ", _ROW.sub(r"\\\\ ", text))
    return _UNIT_VECTOR.sub("", text).replace(r"\imath", "i").replace(r"\jmath", "j")
