"""A hand that writes mathematics: in LaTeX, plain text or Unicode, with habits drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

Syntax = Literal["latex", "plain", "unicode"]
SYNTAXES: tuple[Syntax, ...] = ("latex", "latex", "plain", "unicode")


@dataclass(slots=True)
class Hand:
    """Draws each habit anew where it applies, and remembers those that left a trace."""

    random: Random
    syntax: Syntax = "latex"
    plainly: bool = False  # the first spelling of everything, as a data set has it
    used: set[str] = field(default_factory=set)

    @property
    def latex(self) -> bool:
        return self.syntax == "latex"

    def habit(self, name: str, chance: float = 0.15) -> bool:
        found = not self.plainly and self.random.random() < chance
        if found:
            self.used.add(name)
        return found

    def pick(self, name: str, *spellings: str) -> str:
        """One of several spellings; the first is the usual one."""
        at = 0 if self.plainly or self.random.random() < 0.5 else self.random.randrange(len(spellings))
        if at:
            self.used.add(f"{name} {spellings[at].strip() or 'blank'}")
        return spellings[at]

    def sign(self, latex: str, plain: str, symbol: str) -> str:
        """The same sign in the hand's syntax."""
        return {"latex": latex, "plain": plain, "unicode": symbol}[self.syntax]

    def bracket(self, text: str, opening: str = "(", closing: str = ")") -> str:
        if self.latex and self.habit(r"\left\right", 0.3):
            return rf"\left{opening}{text}\right{closing}"
        if self.latex and self.habit(r"\bigl", 0.03):
            return rf"\bigl{opening}{text}\bigr{closing}"
        return f"{opening}{text}{closing}"
