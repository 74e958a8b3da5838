r"""Is the answer the correct one of several choices?

Covered: a letter alone or as `(B)`, `B.`, `b`, `Option B`, `the answer is B`, `\boxed{B}`, `**B**`; the text of a choice, or a letter
with its text, if the problem has a column `choices`. The expected answer is a letter, a choice's text, or the choice's
index from 0. Two choices, a retracted choice, and a letter with another choice's text are wrong.
Not covered: questions with several correct choices; choices in other words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import between
from rewards._text import evidence, read, short

MAX_CHARACTERS = 20_000  # of an answer; a longer one is not a choice
_WRAPPED = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\{([^{}]*)\}")
_LEAD = re.compile(
    r"(?:(?:so|thus|therefore|hence),? )?(?:the )?(?:correct |right |final |best ){0,3}(?:answer|option|choice)(?: is)?:?\s{0,9}", re.I
)
_CHINESE_LEAD = re.compile(r"(?:所以|因此|故)?(?:正确)?(?:答案|选项)?(?:是|为|选)?[:：]?\s{0,9}")
_HEDGE = re.compile(
    r"\b(?:or|and|not|but|maybe|perhaps|probably|possibly|also|well|both|all|any|either|neither|other|another|option|choice|answer"
    r"|first|second|third|fourth|last|wrong|incorrect|invalid|mistaken?|instead|rather|except|unless|if|unlikely|unsure|guess"
    r"|actually|wait|nor?|none|never|cannot)\b|n['’]t\b|[/,&;?|或和不都错非]",
    re.I,
)
_LETTER = re.compile(r"[(（\[]?(?P<letter>[A-Za-z])(?P<end>[)）\].:、。．]*)(?P<rest>.*)", re.DOTALL)


@reward("choice", evidence=evidence)
def choice(problem: Problem, rollout: Rollout, *, count: int = 4, within: str = "answer") -> Verdict | None:
    """1 for the correct choice, else 0. Abstains if the problem has no answer.

    count: the number of choices, if the problem has no column `choices`
    within: where the answer is: answer (the last answer block), response (everything after the thought)
    """
    between("choice", "count", count, 2, 26)
    text = read("choice", rollout, within)
    if problem.answer is None:
        return None
    texts = [str(t) for t in problem.info.get("choices", ())]
    letters = ascii_uppercase[: len(texts) or count]
    expected = _expected(problem.answer, letters, texts)
    if text is None:
        return Verdict(value=0.0, why=f"no {within}, expected {expected}")
    chosen = _chosen(text, letters, texts)
    choice = f"chose {chosen}" if chosen else "no single choice"
    return Verdict(value=float(chosen == expected), why=f"{choice} in {short(text)}, expected {expected}")


def _expected(answer: object, letters: str, texts: Sequence[str]) -> str:
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(texts):
        return letters[answer]
    text = str(answer).strip()
    # A letter comes first, even if the text of some choice is `B`: tasks write letters, and the prompt asks for one.
    if len(letter := text.strip("().").upper()) == 1 and letter in letters:
        return letter
    if named := _named(text, letters, texts):
        return named
    raise ValueError(f"the expected answer {answer!r} is neither one of the choices {', '.join(letters)} nor the text of one")


def _named(text: str, letters: str, texts: Sequence[str]) -> str:
    """The choice with exactly this text; empty if none or several have it."""
    named = [letter for letter, choice in zip(letters, texts, strict=False) if _same(choice, text)]
    return named[0] if len(named) == 1 else ""


def _chosen(answer: str, letters: str, texts: Sequence[str]) -> str:
    """The one letter that an answer chooses; empty if it chooses none or several."""
    if len(answer) > MAX_CHARACTERS:
        return ""
    text = " ".join(answer.replace("*", "").replace("$", "").split())
    for _ in range(3):  # \boxed{\text{B}}
        text = _WRAPPED.sub(r"\1", text)
    if len(text) == 1 and text.upper() in letters:
        return text.upper()
    if named := _named(text, letters, texts):
        return named
    text = _CHINESE_LEAD.sub("", _LEAD.sub("", text, count=1), count=1)
    match = _LETTER.fullmatch(text)
    if match is None or (letter := match["letter"].upper()) not in letters:
        return ""
    rest = match["rest"].strip(" .。")
    if not rest:
        return letter
    # Without punctuation after it, the letter begins a word or a sentence: "A dog".
    if not match["end"]:
        return ""
    own = _same(texts[letters.index(letter)], rest) if texts else not _hedged(rest, letters)
    return letter if own else ""


def _hedged(rest: str, letters: str) -> bool:
    """Whether the text after a letter names another one or retracts it."""
    alone = re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z'])", rest)
    # A lower-case `a` is an article, unless it is in brackets or alone.
    named = {x.upper() for x in alone if x != "a" or x == rest.strip("()[] .")}
    return bool(_HEDGE.search(rest)) or not named.isdisjoint(letters)


def _same(choice: str, text: str) -> bool:
    return " ".join(choice.split()).strip(" .。").casefold() == " ".join(text.split()).strip(" .。").casefold()
