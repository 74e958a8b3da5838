"""Tokens to one expression tree, by recursive descent: `operators` reads the levels of precedence, this module the operands.

Covered: fractions, mixed numbers, roots, logs, trigonometry, floor and ceiling, binomials, repeating decimals, subscripts.
Sums and products over an index are kept as they are. Not covered: limits, derivatives and integrals, words.
"""

from __future__ import annotations

from collections.abc import Sequence

from rewards._math.algebra.tree import Op, Tree, Unread, number, times
from rewards._math.reading.cursor import CONSTANT, GREEK
from rewards._math.reading.functions import FUNCTIONS, applied
from rewards._math.reading.lex import CLOSES, Token
from rewards._math.reading.numbers import in_digits
from rewards._math.reading.operators import Operators

_BRACKETS = {"(": ")", "[": "]", "{": "}"}
# An accent is part of a name: `\\vec{v}` is not `v`.
_ACCENTS = {a: a for a in "bar hat vec tilde dot ddot check acute grave breve".split()}
_ACCENTS |= {"overline": "bar", "widehat": "hat", "widetilde": "tilde", "overrightarrow": "vec"}


def parse(tokens: Sequence[Token]) -> Tree:
    """The tree of a whole token list; Unread where it is not one expression."""
    try:
        return _Reader(tokens).whole()
    except Unread:
        if sum(t.value == "|" for t in tokens) < 6:
            raise
    reader = _Reader(tokens)
    reader.inner_bars = True
    return reader.whole()


class _Reader(Operators):
    """A position in a token list, and how each kind of operand is read."""

    def whole(self) -> Tree:
        tree = self.sum()
        if self.at < len(self.tokens):
            raise Unread(f"cannot read {self.peek()!r}")
        return tree

    def atom(self) -> Tree:
        token = self.take()
        if token.text and token.kind == "word" and len(token.value) > 1 and token.value not in FUNCTIONS | CONSTANT.keys():
            raise Unread(f"{token.value!r} is a word")
        if token.kind == "number":
            return in_digits(self, token.value)
        if token.kind == "word":
            return self.word(token.value)
        if token.value == r"\{":
            return self.braces()
        if token.kind == "command":
            return self.command(token.value[1:])
        closing = _BRACKETS.get(token.value)
        if closing:
            return self.group(closing)
        if token.value == "|":
            return self.absolute()
        raise Unread(f"cannot read {token.value!r}")

    def braces(self) -> Tree:
        """Braces as brackets: beside or around others, or after a function; else they are a set, or the fractional part."""
        start = self.at
        function = start > 1 and self.tokens[start - 2].value.lstrip("\\") in FUNCTIONS
        before = start > 1 and self.tokens[start - 2].value in CLOSES
        tree = self.group(r"\}")
        around = any(t.value in ("(", "[") for t in self.tokens[start : self.at])
        if function or before or around or self.peek() in ("(", "[", r"\{", "^"):
            return tree
        raise Unread("braces within an expression")

    def word(self, value: str) -> Tree:
        if value in CONSTANT:
            return CONSTANT[value]
        if value in FUNCTIONS:
            return self.function(value)
        return Op("root", (self.power(), number(2))) if value == "sqrt" else self.name(value)

    def command(self, name: str) -> Tree:
        if name in CONSTANT:
            return CONSTANT[name]
        if name in FUNCTIONS:
            return self.function(name)
        if name in GREEK:
            return self.name("\\" + name)
        if name in ("frac", "binom"):
            return Op("/" if name == "frac" else name, (self.argument(), self.argument()))
        if name == "sqrt":
            order = self.order()
            return Op("root", (self.argument(), order))
        if name in ("lfloor", "lceil"):
            return Op(name[1:], (self.group(rf"\r{name[1:]}"),))
        if name in ("sum", "prod"):
            return self.series(name)
        if name in _ACCENTS:
            return self.name(f"{_ACCENTS[name]}({self.raw_group()})")
        raise Unread(f"cannot read \\{name}")

    def series(self, name: str) -> Tree:
        """A sum or a product over an index, which is not carried out: it only equals its like."""
        self.take("_")
        self.take("{")
        index = self.name(self.take().value)
        self.take("=")
        start = self.group("}")
        self.take("^")
        return Op(name, (index, start, self.argument(), self.product()))

    def order(self) -> Tree:
        if self.peek() != "[":
            return number(2)
        self.take()
        return self.group("]")

    def argument(self) -> Tree:
        """A braced group, or one digit or letter: `\\frac12` is a half."""
        if self.peek() == "{":
            self.take()
            return self.group("}")
        self.split_digits()
        return self.atom()

    def function(self, name: str) -> Tree:
        base = power = None
        if self.peek() == "_":
            self.take()
            base = self.argument()
        if self.peek() == "^":
            self.take()
            power = self.script()
        return applied(name, self.operands(), base, power)

    def operands(self) -> Tree:
        """What a function is applied to: a group, or a run of factors such as `2x`."""
        if self.peek() in ("(", "{", r"\{"):
            return self.postfix(self.atom())
        factors = [self.operand()]
        while self.juxtaposed() and self.peek() not in ("(", "[") and self.peek().lstrip("\\") not in FUNCTIONS:
            factors.append(self.power())
        return times(*factors)
