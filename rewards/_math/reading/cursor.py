"""A position in a token list, and how decimals, names and runs of letters are read.

Covered: exact decimals, with a cap on the exponent; subscripts and primes. Not covered: precedence, which is the parser's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from rewards._math.algebra.tree import EULER, INFINITY, MAX_DEPTH, PI, Sym, Tree, Unread
from rewards._math.reading.functions import FUNCTIONS
from rewards._math.reading.lex import Token

MAX_EXPONENT = 400  # of `1e400`: beyond it a number as written is refused
_GREEK = "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau phi chi psi omega".split()
GREEK = frozenset([*_GREEK, *"Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell hbar".split()])
CONSTANT = {"pi": PI, "infty": INFINITY, "infinity": INFINITY, "inf": INFINITY, "oo": INFINITY}


class Cursor:
    """Looks at tokens and takes them, one after the other."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = split_words(tokens)
        self.at = 0
        self.depth = 0
        self.bars = 0  # that are open
        self.inner_bars = False  # whether a bar before an operand opens another pair, as in `||x||y||`
        self.powers = False  # whether the factor that was read last is a power

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead].value if self.at + ahead < len(self.tokens) else ""

    def kind(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead].kind if self.at + ahead < len(self.tokens) else ""

    def take(self, expected: str = "") -> Token:
        if self.at >= len(self.tokens) or (expected and self.peek() != expected):
            raise Unread(f"expected {expected!r}, found {self.peek()!r}")
        self.at += 1
        return self.tokens[self.at - 1]

    def deeper(self, read: Callable[[], Tree]) -> Tree:
        """What `read` reads, one level further down."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unread(f"nested deeper than {MAX_DEPTH}")
        tree = read()
        self.depth -= 1
        return tree

    def name(self, start: str) -> Tree:
        """A name with its primes and its subscript, and the place at which a function is named: `f'(0)`."""
        while self.peek() == "'":
            start += self.take().value
        if self.peek() == "_":
            self.take()
            start += "_" + self.raw_group()
        if self.peek() == "(" and not self.tokens[self.at].spaced:
            start += self._place()
        return EULER if start == "e" else Sym(start)

    def _place(self) -> str:
        """`(0)` of `f(0)`; else nothing is taken."""
        ahead = 2 if self.peek(1) == "-" else 1
        if self.kind(ahead) != "number" or self.peek(ahead + 1) != ")":
            return ""
        return "".join(self.take().value for _ in range(ahead + 2))

    def split_digits(self) -> None:
        """Make the first of several digits a number of its own, as it is in `\\frac12`."""
        if self.kind() == "number" and len(self.peek()) > 1 and self.peek().isdigit():
            token = self.tokens[self.at]
            self.tokens[self.at : self.at + 1] = [token._replace(value=token.value[0]), token._replace(value=token.value[1:])]

    def raw_group(self) -> str:
        if self.peek() != "{":
            return self.take().value
        self.take()
        parts: list[str] = []
        depth = 1
        while depth:
            parts.append(self.take().value)
            depth += (parts[-1] == "{") - (parts[-1] == "}")
        return "".join(p for p in parts if p not in "{}")


def decimal(text: str) -> Fraction:
    """The exact value of a number as written: `1,234.50`, `.5`, `5.`, `1e-6`."""
    mantissa, _, exponent = text.replace(",", "").lower().partition("e")
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        raise Unread(f"exponent {exponent} is too large")
    return Fraction(mantissa.rstrip(".") or "0") * Fraction(10) ** int(exponent or 0)


def split_words(tokens: Sequence[Token]) -> list[Token]:
    """A run of up to three letters that names nothing, no Greek letter either, is a product of its letters; a longer one is a word."""
    split: list[Token] = []
    for at, token in enumerate(tokens):
        if token.kind == "word" and "_" in [t.value for t in tokens[max(0, at - 2) : at] if t.value != "{"][-1:]:
            split.append(token)  # a subscript is a name as a whole
            continue
        if token.kind == "word" and len(token.value) > 2 and token.value in GREEK and not token.text:
            split.append(token._replace(kind="command", value=f"\\{token.value}"))
            continue
        known = token.value in FUNCTIONS or token.value in CONSTANT or token.value == "sqrt"
        if token.kind != "word" or known or len(token.value) == 1:
            split.append(token)
        elif token.text or len(token.value) > 3 or not token.value.isascii():
            raise Unread(f"{token.value!r} is a word")
        else:
            split += [Token("word", letter, False, token.spaced) for letter in token.value]
    return split
