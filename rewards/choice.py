r"""Is the answer the right one of several choices?

Covered: a letter alone or as `(B)`, `B.`, `b`, `Option B`, `the answer is B`, `\boxed{B}`, `**B**`; the text of a choice, or a letter
with its text, where the problem has a column `choices`. The expected answer is a letter, a choice's text, or the
choice's index from 0. Naming two choices, taking one back, or a letter with another choice's text is wrong.
Not covered: questions with several right choices; choices told in other words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from rewards import Problem, Rollout, Verdict, reward
from rewards._options import between
from rewards._text import read, short

MAX_CHARACTERS = 20_000  # of an answer; nobody needs more to choose
_WRAPPED = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\{([^{}]*)\}")
_LEAD = re.compile(
    r"(?:(?:so|thus|therefore|hence),? )?(?:the )?(?:correct |right |final |best )*(?:answer|option|choice)(?: is)?:?\s*", re.I
)
_CHINESE_LEAD = re.compile(r"(?:所以|因此|故)?(?:正确)?(?:答案|选项)?(?:是|为|选)?[:：]?\s*")
_HEDGE = re.compile(
    r"\b(?:or|and|not|but|maybe|perhaps|probably|possibly|also|well|both|all|any|either|neither|other|another|option|choice|answer"
    r"|first|second|third|fourth|last|wrong|actually|wait|no)\b|[/,&;?|或和不都]",
    re.I,
)
_LETTER = re.compile(r"[(（\[]?(?P<letter>[A-Za-z])(?P<end>[)）\].:、。．]*)(?P<rest>.*)", re.DOTALL)


@reward("choice")
def choice(problem: Problem, rollout: Rollout, *, count: int = 4, within: str = "answer") -> Verdict | None:
    """1 for the right choice, 0 for any other and for none. Abstains where the problem has no answer.

    count: how many choices there are, where the problem has no column `choices`
    within: where the answer stands: answer (the last answer block), response (all that follows the thought)
    """
    between("choice", "count", count, 2, 26)
    given = read("choice", rollout, within)
    if problem.answer is None:
        return None
    texts = [str(t) for t in problem.info.get("choices", ())]
    letters = ascii_uppercase[: len(texts) or count]
    expected = _expected(problem.answer, letters, texts)
    if given is None:
        return Verdict(value=0.0, why=f"no {within}, expected {expected}")
    chosen = _chosen(given, letters, texts)
    said = f"chose {chosen}" if chosen else "no single choice"
    return Verdict(value=float(chosen == expected), why=f"{said} in {short(given)}, expected {expected}")


def _expected(answer: object, letters: str, texts: Sequence[str]) -> str:
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(texts):
        return letters[answer]
    written = str(answer).strip()
    # A letter first, also where some choice reads `B`: so the task writes it, and so the prompt asks for it.
    if len(letter := written.strip("().").upper()) == 1 and letter in letters:
        return letter
    if named := _named(written, letters, texts):
        return named
    raise ValueError(f"the expected answer {answer!r} is none of the choices {', '.join(letters)}, nor the text of one")


def _named(text: str, letters: str, texts: Sequence[str]) -> str:
    """The choice that a text is, word for word; empty where it is none or fits two."""
    found = [letter for letter, choice in zip(letters, texts, strict=False) if _same(choice, text)]
    return found[0] if len(found) == 1 else ""


def _chosen(given: str, letters: str, texts: Sequence[str]) -> str:
    if len(given) > MAX_CHARACTERS:
        return ""
    text = " ".join(given.replace("*", "").replace("$", "").split())
    for _ in range(3):  # \boxed{\text{B}}
        text = _WRAPPED.sub(r"\1", text)
    if len(text) == 1 and text.upper() in letters:
        return text.upper()
    if named := _named(text, letters, texts):
        return named
    text = _CHINESE_LEAD.sub("", _LEAD.sub("", text, count=1), count=1)
    found = _LETTER.fullmatch(text)
    if found is None or (letter := found["letter"].upper()) not in letters:
        return ""
    rest = found["rest"].strip(" .。")
    if not rest:
        return letter
    # Without a mark between them, the letter is the first of a word or a sentence: "A dog".
    if not found["end"]:
        return ""
    own = _same(texts[letters.index(letter)], rest) if texts else not _second(rest, letters)
    return letter if own else ""


def _second(rest: str, letters: str) -> bool:
    """Whether what follows a letter names another one or takes it back."""
    alone = re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z'])", rest)
    # A small `a` is an article, unless it stands in brackets or alone.
    named = {x.upper() for x in alone if x != "a" or x == rest.strip("()[] .")}
    return bool(_HEDGE.search(rest)) or not named.isdisjoint(letters)


def _same(choice: str, text: str) -> bool:
    return " ".join(choice.split()).strip(" .。").casefold() == " ".join(text.split()).strip(" .。").casefold()
