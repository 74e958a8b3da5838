"""A response as answers are looked for in it: without another turn behind it, each formula on one line, without pages of blanks.

Covered: the marks of common chat templates, formulas in single dollars. Not covered: a turn that no mark announces.
"""

from __future__ import annotations

import re

_BLANKS = re.compile(r"\s{8,}")  # a page of them would make every bounded repeat below cost its bound
_LINE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")  # within a paragraph
_FORMULA = re.compile(r"(?<![$\\])\$(?!\$)(?:[^$\n\\]{1,600}+|\\.|\\?\n(?!\s{0,9}\n)){1,200}+\$(?!\$)")  # may go over several lines
_IN_BRACES = re.compile(r"\\(?:begin|end|text|mathrm|operatorname)\s{0,9}\{[^{}]{0,40}\}|\{[clr|]{1,20}\}")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3}")
_NEXT_TURN = re.compile(  # marks of chat templates, where a model went on behind its answer
    r"<\|(?:im_start|im_end|endoftext|eot_id|eom_id|end_of_text|start_header_id|end|user|assistant)\|>|<end_of_turn>|</s>"
)


def prepared(text: str) -> str:
    """The same text, as answers are looked for in it."""
    text = _own_turn(_BLANKS.sub(lambda m: "\n\n" if "\n" in m[0] else "  ", text))
    return _FORMULA.sub(_on_one_line, text) if _LINE_BREAK.search(text) else text


def _own_turn(text: str) -> str:
    """A text up to the first mark of another turn behind it."""
    for mark in _NEXT_TURN.finditer(text):
        if text[: mark.start()].strip():
            return text[: mark.start()]
    return text


def _on_one_line(formula: re.Match[str]) -> str:
    """A formula without its line breaks; what has words in it is text between two sums of money."""
    is_text = "\n" not in formula[0] or _WORD.search(_IN_BRACES.sub("", formula[0]))
    return formula[0] if is_text else formula[0].replace("\n", " ")
