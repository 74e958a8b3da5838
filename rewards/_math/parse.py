"""Tokens to one expression tree, by recursive descent.

Covered: + - * / ^ !, implied products, fractions, mixed numbers, roots, logs, trigonometry, absolute values, floor and
ceiling, binomials, repeating decimals, subscripts. Not covered: sums, products, limits, derivatives and integrals (an
answer is what they come to), two numbers side by side, words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from rewards._math.cursor import CONSTANT, FUNCTIONS, GREEK, Cursor, decimal
from rewards._math.lex import Token
from rewards._math.repeating import repeating, repeats
from rewards._math.tree import EULER, MAX_DEPTH, MINUS_ONE, PI, Num, Op, Sym, Tree, Unread, negative, number, times

_SAME = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "log": "ln"}
_SAME |= {f"{a}{name}": f"arc{name}" for name in ("sinh", "cosh", "tanh") for a in ("ar", "a")}
# An accent is part of a name: `\\vec{v}` is not `v`.
_ACCENTS = {a: a for a in "bar hat vec tilde dot ddot check acute grave breve".split()}
_ACCENTS |= {"overline": "bar", "widehat": "hat", "widetilde": "tilde", "overrightarrow": "vec"}
_TIMES, _OVER = frozenset({"*", r"\times", r"\cdot"}), frozenset({"/", r"\div"})
_STOP = (
    frozenset({")", "]", "}", r"\}", r"\rfloor", r"\rceil", r"\rangle", "|", "+", "-", "=", ",", "*", "/", "^", "!", "_", "&"})
    | _TIMES
    | _OVER
)


def parse(tokens: Sequence[Token]) -> Tree:
    """The tree of a whole token list; Unread where it is not one expression."""
    reader = _Reader(tokens)
    tree = reader.sum()
    if reader.at < len(reader.tokens):
        raise Unread(f"cannot read {reader.tokens[reader.at].value!r}")
    return tree


class _Reader(Cursor):
    """A position in a token list; each method reads one level of precedence."""

    def sum(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unread(f"nested deeper than {MAX_DEPTH}")
        terms = [self.product()]
        while self.peek() in ("+", "-"):
            sign = self.take().value
            term = self.product()
            terms.append(negative(term) if sign == "-" else term)
        self.depth -= 1
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
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unread("too many signs")
        sign = self.take().value
        tree = read()
        self.depth -= 1
        return negative(tree) if sign == "-" else tree

    def juxtaposed(self) -> bool:
        """Whether what follows is multiplied without a sign. Two numbers side by side are not."""
        value = self.peek()
        if not value or (value in _STOP and not (value == "|" and not self.bars)):
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
        if self.peek() in ("+", "-"):
            return self.signed(self.script)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unread("exponents nested too deep")
        tree = self.power()
        self.depth -= 1
        return tree

    def postfix(self, tree: Tree) -> Tree:
        while self.peek() in ("!", r"\degree"):
            tree = Op("!", (tree,)) if self.take().value == "!" else times(tree, Op("/", (PI, number(180))))
        return tree

    def atom(self) -> Tree:
        token = self.take()
        if token.text and token.kind == "word" and len(token.value) > 1 and token.value not in FUNCTIONS | CONSTANT.keys():
            raise Unread(f"{token.value!r} is a word")
        if token.kind == "number":
            return self.number(token)
        if token.kind == "word":
            return self.word(token.value)
        if token.kind == "command":
            return self.command(token.value[1:])
        closing = {"(": ")", "[": "]", "{": "}"}.get(token.value)
        if closing:
            return self.group(closing)
        if token.value == "|":
            return self.absolute()
        raise Unread(f"cannot read {token.value!r}")

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

    def number(self, token: Token) -> Tree:
        if "." in token.value and repeats(self):
            return Num(repeating(self, token.value))
        value = decimal(token.value)
        part = self.proper_part() if value.denominator == 1 and "." not in token.value else None
        return Num(value if part is None else value + part)

    def proper_part(self) -> Fraction | None:
        """The fraction of a mixed number, `3\\frac{1}{2}` or `3 1/2`, where one stands here; else nothing is taken."""
        start = self.at
        if self.peek() == r"\frac":
            self.take()
            top, bottom = self.argument(), self.argument()
        elif self.kind() == "number" and self.peek(1) == "/" and self.kind(2) == "number":
            top, bottom = Num(decimal(self.peek())), Num(decimal(self.peek(2)))
            self.at += 3
        else:
            return None
        if isinstance(top, Num) and isinstance(bottom, Num) and 0 < top.value < bottom.value and top.value.denominator == 1:
            return top.value / bottom.value
        self.at = start
        return None

    def word(self, value: str) -> Tree:
        if value in CONSTANT:
            return CONSTANT[value]
        if value in FUNCTIONS:
            return self.function(value)
        if value == "sqrt":
            return Op("root", (self.power(), number(2)))
        return self.subscripted(value)

    def subscripted(self, name: str) -> Tree:
        while self.peek() == "'":
            name += self.take().value
        if self.peek() == "_":
            self.take()
            name += "_" + self.raw_group()
        if self.peek() == "(" and not self.tokens[self.at].spaced:
            name += self.place()
        return EULER if name == "e" else Sym(name)

    def place(self) -> str:
        """`(0)` of `f(0)`, where a function is named at a number; else nothing is taken."""
        ahead = 2 if self.peek(1) == "-" else 1
        if self.kind(ahead) != "number" or self.peek(ahead + 1) != ")":
            return ""
        return "".join(self.take().value for _ in range(ahead + 2))

    def command(self, name: str) -> Tree:
        if name in CONSTANT:
            return CONSTANT[name]
        if name in FUNCTIONS:
            return self.function(name)
        if name in GREEK:
            return self.subscripted("\\" + name)
        if name == "frac":
            return Op("/", (self.argument(), self.argument()))
        if name == "binom":
            return Op("binom", (self.argument(), self.argument()))
        if name == "sqrt":
            order = self.order()
            return Op("root", (self.argument(), order))
        if name in ("lfloor", "lceil"):
            return Op(name[1:], (self.group(rf"\r{name[1:]}"),))
        if name in _ACCENTS:
            return self.subscripted(f"{_ACCENTS[name]}({self.raw_group()})")
        raise Unread(f"cannot read \\{name}")

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
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token and token.kind == "number" and len(token.value) > 1 and token.value.isdigit():
            self.tokens[self.at : self.at + 1] = [token._replace(value=token.value[0]), token._replace(value=token.value[1:])]
        return self.atom()

    def function(self, name: str) -> Tree:
        base = power = None
        if self.peek() == "_":
            self.take()
            base = self.argument()
        if self.peek() == "^":
            self.take()
            power = self.script()
        tree = _apply(_SAME.get(name, name), self.applied(), base)
        if power == MINUS_ONE and f"arc{name}" in FUNCTIONS:
            return Op(f"arc{name}", tree.args) if isinstance(tree, Op) else tree
        return tree if power is None else Op("^", (tree, power))

    def applied(self) -> Tree:
        """What a function is applied to: a group, or a run of factors such as `2x`."""
        if self.peek() in ("(", "{"):
            return self.postfix(self.atom())
        factors = [self.operand()]
        while self.juxtaposed() and self.peek() not in ("(", "[") and self.peek().lstrip("\\") not in FUNCTIONS:
            factors.append(self.power())
        return times(*factors)


def _apply(name: str, argument: Tree, base: Tree | None) -> Tree:
    if name == "exp":
        return Op("^", (EULER, argument))
    if name == "lg":
        base, name = number(10), "ln"
    tree = Op(name, (argument,))
    return Op("/", (tree, Op("ln", (base,)))) if base is not None and name == "ln" else tree
