"""Answers that hold for every integer: `\\frac{\\pi}{2} + n\\pi, n \\in \\mathbb{Z}`.

Covered: another letter, another way to say that it is an integer, several branches for one (`\\pm\\frac{\\pi}{2} + 2n\\pi`),
another start, parameters that are real numbers. Not covered: families that are not linear in their letter: these only equal their like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from rewards._math.lex import MAX_CHARACTERS, TEXT
from rewards._math.numeric import real
from rewards._math.structures import Answer, Family, Group, Relation, Value, Words, name
from rewards._math.tree import Num, Op, Sym, Tree, Unread, symbols

_DOMAINS = {r"\mathbb{z}": "Z", r"\mathbb{n}": "N", r"\mathbb{r}": "R"}
INTEGER = "\\integer"  # a name that no answer can write
MAX_BRANCHES = 60
_TEXT = re.compile(rf"\\(?:{'|'.join(sorted(TEXT))})\s{{0,9}}\{{([^{{}}]*)\}}")
_LEADS = r"(?:where|for|with|and|when|if|here|其中|any|all|some|every|each|an?|arbitrary)"
_KIND = r"(?:(?:an?|any|all|some|arbitrary)\s{{1,9}}){{0,3}}(?:integers?|整数|任意整数|(?P<{}>real(?:\s{{1,9}}numbers?)?|实数))"
_LETTER = r"(?P<{}>[A-Za-z])"
_TAIL = re.compile(
    rf"\A(?P<body>.{{0,{MAX_CHARACTERS}}}?)[\s,;:，(\[]{{0,9}}+(?:\\q?quad\s{{0,9}}+){{0,3}}+(?:{_LEADS}\s{{0,9}}+){{0,3}}"
    rf"(?:{_LETTER.format('a')}\s{{0,9}}\\in\s{{0,9}}(?:\\mathbb\s{{0,9}})?\{{?\s{{0,9}}(?P<domain>[ZNR])\s{{0,9}}\}}?\s{{0,9}}"
    rf"(?:[\^_]\s{{0,9}}\{{?\s{{0,9}}(?P<sign>[+*])\s{{0,9}}\}}?)?"
    rf"|{_LETTER.format('b')}\s{{0,9}}(?:is|are|be|为|是)?\s{{0,9}}{_KIND.format('real_b')}"
    rf"|{_KIND.format('real_c')}\s{{1,9}}{_LETTER.format('c')})[\s)\].,]{{0,9}}",
    re.DOTALL,
)
_ALONE = re.compile(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])")
_UNION = re.compile(
    r"\\bigcup_\{?\s{0,9}(?:(?P<a>[a-z])\s{0,9}=\s{0,9}-\\infty\s{0,9}\}?\s{0,9}\^\s{0,9}\{?\s{0,9}\+?\\infty"
    r"|(?P<b>[a-z])\s{0,9}\\in\s{0,9}\\mathbb\{Z\})\s{0,9}\}?(?P<body>.*)",
    re.DOTALL,
)


def declared(text: str) -> tuple[str, str, str] | None:
    """The answer, the letter and its domain, where a text ends in `n \\in \\mathbb{Z}` or the like."""
    if found := _UNION.fullmatch(text):
        return found["body"], found["a"] or found["b"], "Z"
    if r"\in" not in text and "real" not in text and "integer" not in text and "整数" not in text:
        return None
    found = _TAIL.fullmatch(_TEXT.sub(r" \1 ", text))
    if not found:
        return None
    letter = found["a"] or found["b"] or found["c"]
    body = found["body"].strip()
    if letter not in _ALONE.findall(body):
        return None
    domain = "R" if found["real_b"] or found["real_c"] else found["domain"] or "Z"
    return body, letter, domain + (found["sign"] or "").replace("*", "+")


def listed(items: Sequence[Answer]) -> Family | None:
    """The family that a list describes whose last item is `n \\in \\mathbb{Z}`."""
    last = items[-1] if items else None
    if not isinstance(last, Relation) or last.ops != ("in",) or not isinstance(last.sides[1], Words):
        return None
    domain, letter = _DOMAINS.get(last.sides[1].text, ""), name(last.sides[0])
    if not domain or not letter or len(items) < 2:
        return None
    body = items[0] if len(items) == 2 else Group("", "", tuple(items[:-1]))
    return Family(body, letter, domain)


def same_family(gold: Answer, given: Answer, same: Callable[[Answer, Answer], str]) -> str:
    """Whether two answers are one family; one of them may leave out that its letter is an integer."""
    gold, given = _declared_like(gold, given), _declared_like(given, gold)
    if not isinstance(gold, Family) or not isinstance(given, Family) or gold.domain != given.domain:
        return ""
    if same(_renamed(gold.body, gold.letter), _renamed(given.body, given.letter)):
        return "the same family"
    if gold.domain != "Z":
        return ""
    try:
        left, right = _branches(gold), _branches(given)
        return "the same family" if _points(left, left[0][1], right) == _points(right, left[0][1], left) else ""
    except Unread:
        return ""


def _declared_like(answer: Answer, other: Answer) -> Answer:
    if isinstance(answer, Family) or not isinstance(other, Family):
        return answer
    names = _symbols(answer)
    letter = other.letter if other.letter in names else next(iter(names)) if len(names) == 1 and other.domain != "R" else ""
    return Family(answer, letter, other.domain) if letter else answer


def _symbols(answer: Answer) -> frozenset[str]:
    if isinstance(answer, Value):
        return symbols(answer.tree)
    if isinstance(answer, Group):
        return frozenset().union(*(_symbols(i) for i in answer.items))
    if isinstance(answer, Relation) and name(answer.sides[0]) is not None:
        return frozenset().union(*(_symbols(s) for s in answer.sides[1:]))
    return frozenset()


def _renamed(answer: Answer, letter: str) -> Answer:
    if isinstance(answer, Value):
        return Value(tuple(replace(r, tree=_replaced(r.tree, letter, Sym(INTEGER))) for r in answer.readings))
    if isinstance(answer, Group):
        return replace(answer, items=tuple(_renamed(i, letter) for i in answer.items))
    if isinstance(answer, Relation):
        return replace(answer, sides=tuple(_renamed(s, letter) for s in answer.sides))
    return answer


def _replaced(tree: Tree, letter: str, by: Tree) -> Tree:
    if tree == Sym(letter):
        return by
    return Op(tree.name, tuple(_replaced(a, letter, by) for a in tree.args)) if isinstance(tree, Op) else tree


def _branches(family: Family) -> list[tuple[float, float]]:
    """The start and the step of each expression in a family that is linear in its letter."""
    body = family.body
    items = body.items if isinstance(body, Group) and body.opening in ("", "{") else (body,)
    trees = [s.tree for i in items if isinstance(s := i.sides[-1] if isinstance(i, Relation) else i, Value)]
    if len(trees) < len(items):
        raise Unread("no expression")
    found: list[tuple[float, float]] = []
    for tree in trees:
        start, second, third = (real(_replaced(tree, family.letter, Num(Fraction(n)))) for n in range(3))
        step = second - start
        if not step or not math.isclose(third, start + 2 * step, rel_tol=1e-12, abs_tol=1e-12):
            raise Unread("not linear")
        found.append((start, step))
    return found


def _points(family: list[tuple[float, float]], unit: float, other: list[tuple[float, float]]) -> set[float]:
    """The starts of a family, every branch written out with the least step that is common to it and the other."""
    shares = [_ratio(step / unit) for _, step in (*family, *other)]
    period = Fraction(math.lcm(*(abs(s.numerator) for s in shares)), math.gcd(*(s.denominator for s in shares)))
    points: set[float] = set()
    for (start, _), share in zip(family, shares, strict=False):
        count = period / abs(share)
        if count > MAX_BRANCHES:
            raise Unread("too many branches")
        points |= {round((start / unit + n * float(abs(share))) / float(period) % 1, 9) % 1 for n in range(int(count))}
    return points


def _ratio(value: float) -> Fraction:
    found = Fraction(value).limit_denominator(MAX_BRANCHES)
    if not found or abs(float(found) - value) > 1e-9:
        raise Unread("steps that no common step holds")
    return found
