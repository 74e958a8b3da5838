"""A text without its code and formulas.

A fence does not turn prose into code: sentences inside a formula, and a fenced block that is mostly sentences, are kept.
"""

from __future__ import annotations

import re

from r1lite.text.words import is_encoded

_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
# Bounded, so that a thousand unclosed delimiters stay cheap.
_FORMULA = re.compile(
    r"`[^`\n]{1,300}`|\$\$[^$]{1,2000}\$\$|\$[^$\n]{1,300}\$|\\\[.{1,2000}?\\\]|\\\(.{1,500}?\\\)"
    r"|\\begin\{(?P<name>[a-z]{1,20}\*?)\}.{0,2000}?\\end\{(?P=name)\}|\\boxed\{[^{}]{0,200}\}",
    re.DOTALL,
)
_LINK = re.compile(r"(?:https?://|www\.)[!-~]+")  # ASCII only: a sentence in another script is not part of the address
_COMMAND = re.compile(r"\\[A-Za-z]+")
_NAME = re.compile(r"\b[A-Za-z_]*[0-9_][A-Za-z0-9_]*\b|\b[a-z]+[A-Z][A-Za-z]*\b", re.ASCII)  # x1, my_list, isPrime
_SENTENCE = re.compile(r"\b(?:[^\W\d_]{2,}[ ,;'’-]+){3,}[^\W\d_]{2,}|[\u4e00-\u9fff][\u4e00-\u9fff，、；。]{6,}[\u4e00-\u9fff]")
_COMMENT = re.compile(r"^\s{0,9}(?:#|//|--|\*)+\s{0,9}")
_STATEMENT = re.compile(
    r"[=(){}\[\]<>]|^\s{0,9}(?:import|from|return|for|while|if|elif|else|def|class|with|print|assert|raise|del)\b.*[:\w]$"
)


def prose(text: str) -> str:
    """The text without code and formulas."""
    text = _FENCE.sub(lambda m: f"\n{_block(m[1])}\n", text)
    text = _LINK.sub(" ", _FORMULA.sub(lambda m: f" {' '.join(_sentences(m[0]))} ", text))
    return _NAME.sub(lambda m: m[0] if is_encoded(m[0]) else " ", _COMMAND.sub(" ", text))


def _block(code: str) -> str:
    """The sentences of a fenced block, comments included, if most of its lines are sentences; else nothing."""
    lines = [_COMMENT.sub("", line) for line in code.splitlines() if line.strip()]
    sentences = [line for line in lines if not _STATEMENT.search(line) and _SENTENCE.search(line)]
    return "\n".join(sentences) if 2 * len(sentences) > len(lines) else ""


def _sentences(text: str) -> list[str]:
    return [m[0] for m in _SENTENCE.finditer(_COMMAND.sub(" ", text))]
