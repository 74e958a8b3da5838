"""A language as far as retractions need it: lists of words by what they do in a sentence.

Entries are separated by commas; one may be several words, and a star stands for any ending. Of two that fit, the longer counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

KINDS = {
    "me": "i",  # who answers: I, we, my
    "this": "t",  # points at the answer: this, it, which
    "answer": "a",  # names the answer, or how it was found: result, calculation, formula
    "fault": "f",  # says that something is wrong: incorrect, mistake, too large
    "slip": "s",  # what somebody did who made a mistake: forgot, counted twice
    "breaks": "b",  # what a wrong answer does: fails, contradicts
    "right": "r",  # what a right answer is or does: correct, works, satisfies
    "negation": "x",
    "turn": "w",  # what is said next may be another answer: wait, sorry, looking again
    "no": "j",  # a turn that denies by itself
    "but": "v",  # a turn, and back to what is the case: but, however
    "omission": "q",  # something is otherwise than it was taken: also, missing, twice, the question
    "drop": "d",  # takes an answer back: scratch, withdraw
    "mend": "m",  # puts something in the place of an answer: change, replace
    "proper": "g",  # before the answer that counts: real, corrected, final
    "others": "o",  # it is about somebody else, or about what not to do: students, textbooks, do not confuse
    "unreal": "u",  # it is not about what is the case: if, suppose
    "would": "U",  # neither, unless it is the answer that would be wrong
    "so": "k",  # back to what is the case, by what follows from it: so, hence
    "confirms": "y",  # the answer stands: yes, still, as expected
    "checks": "p",  # numbers that follow are a check: verify, substitute
    "compares": "<",
    "be": "e",
    "leads": "l",  # stands before a result: gives, leaves, equals
    "should": "h",
    "nothing": "z",  # a result that is no value: no solution
    "silent": "",  # articles and words of emphasis, which are left out
}
OTHER = "."  # a word in none of the lists


class Language:
    """The words of one language, and how a run of them is read."""

    def __init__(self, *, spaced: bool = True, **lists: str) -> None:
        self.spaced = spaced
        self._kinds: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._longest: dict[str, int] = {}  # by the first word of an entry: how many words or characters it may have
        for kind, listed in lists.items():
            for entry in filter(None, (" ".join(entry.split()) for entry in listed.split(","))):
                self._add(entry, KINDS[kind])

    def _add(self, entry: str, symbol: str) -> None:
        table = self._stems if entry.endswith("*") else self._kinds
        if table.setdefault(entry.rstrip("*"), symbol) != symbol:
            raise ValueError(f"{entry!r} is in two lists")
        words = entry.split() if self.spaced else entry
        self._longest[words[0]] = max(len(words), self._longest.get(words[0], 1))

    def read(self, words: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Symbols of a run of words, or of characters where no spaces are written, and how many each of them takes."""
        at = 0
        while at < len(words):
            symbol, taken = self._next(words, at)
            yield symbol, taken
            at += taken

    def _next(self, words: Sequence[str], at: int) -> tuple[str, int]:
        for taken in range(self._longest.get(words[at], 1), 0, -1):
            entry = (" " if self.spaced else "").join(words[at : at + taken])
            if (symbol := self._kinds.get(entry)) is not None:
                return symbol, taken
        return (self._by_stem(words[at]) if self.spaced else OTHER), 1

    def _by_stem(self, word: str) -> str:
        stems: Mapping[str, str] = self._stems
        return next((stems[word[:end]] for end in range(len(word), 2, -1) if word[:end] in stems), OTHER)
