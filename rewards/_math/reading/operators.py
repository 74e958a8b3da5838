"""Operators and brackets, by precedence; what they stand between is left to `parse`.

Covered: + - * / ^ !, degrees, products without a sign, brackets of every kind, bars. Not covered: two numbers side by side.
"""

from __future__ import annotations

from collections.abc import Callable

from rewards._math.algebra.tree import PI, Op, Tree, negative, number, times
from rewards._math.reading.cursor import Cursor

_TIMES, _OVER = frozenset({"*", r"\times", r"\cdot"}), frozenset({"/", r"\div"})
_STOP = frozenset({")", "]", "}", r"\}", r"\rfloor", r"\rceil", r"\rangle", "|", "+", "-", "=", ",", "^", "!", "_", "&"}) | _TIMES | _OVER


class Operators(Cursor):
    """A position in a token list; each method reads one level of precedence."""

    def atom(self) -> Tree:
        """A number, a name, a function with its argument, or brackets."""
        raise NotImplementedError

    def sum(self) -> Tree:
        return self.deeper(self.terms)

    def terms(self) -> Tree:
        terms = [self.product()]
        while self.peek() in ("+", "-"):
            sign = self.take().value
            term = self.product()
            terms.append(negative(term) if sign == "-" else term)
        return terms[0] if len(terms) == 1 else Op("+", tuple(terms))

    def product(self) -> Tree:
        if self.peek() in ("+", "-"):
            return self.signed(self.product)
        factors: list[Tree] = [self.power()]
        while True:
            if self.peek() in _TIMES:
                self.take()
                factors.append(self.operand())
            elif self.peek() in _OVER:
                self.take()
                factors = [Op("/", (times(*factors), self.operand()))]
            elif self.juxtaposed():
                factors.append(self.power())
            else:
                return times(*factors)

    def operand(self) -> Tree:
        return self.signed(self.operand) if self.peek() in ("+", "-") else self.power()

    def signed(self, read: Callable[[], Tree]) -> Tree:
        sign = self.take().value
        tree = self.deeper(read)
        return negative(tree) if sign == "-" else tree

    def juxtaposed(self) -> bool:
        """Whether what follows is multiplied without a sign. Two numbers side by side are not."""
        value = self.peek()
        if value == "|":
            return not self.bars or (self.inner_bars and self.kind(1) in ("number", "word", "command"))
        if not value or value in _STOP:
            return False
        if self.kind() != "number":
            return True
        # `2^3 5^2` and `(n-2) 2^n` are products, `2 5` is nothing.
        return self.peek(1) == "^" and self.tokens[self.at].spaced and (self.powers or self.tokens[self.at - 1].kind != "number")

    def power(self) -> Tree:
        base = self.postfix(self.atom())
        self.powers = self.peek() == "^"
        if not self.powers:
            return base
        self.take()
        tree = self.postfix(Op("^", (base, self.script())))
        self.powers = True
        return tree

    def script(self) -> Tree:
        """An exponent: a group, a signed number, or one atom (with a tower on top of it)."""
        return self.signed(self.script) if self.peek() in ("+", "-") else self.deeper(self.power)

    def postfix(self, tree: Tree) -> Tree:
        while self.peek() in ("!", r"\degree"):
            tree = Op("!", (tree,)) if self.take().value == "!" else times(tree, Op("/", (PI, number(180))))
        return tree

    def group(self, closing: str) -> Tree:
        bars, self.bars = self.bars, 0
        tree = self.sum()
        self.take(closing)
        self.bars = bars
        return tree

    def absolute(self) -> Tree:
        self.bars += 1
        tree = self.sum()
        self.take("|")
        self.bars -= 1
        return Op("abs", (tree,))
