"""How the cost of every pattern and every rule grows with the length of a hostile text.

    python -m bench.growth [--characters 100000] [--rows 15]

Hostile texts are built from the pieces of each pattern: one piece again and again, two in turn, one before a run of another.
Prints the dearest patterns and rules with their milliseconds at that length, and how much dearer four times the text is: about
4 for linear growth, 16 for quadratic. Times are processor time, the least of three.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Any

import r1lite.text
import rewards
from r1lite.text.response import respond
from r1lite.types import Problem, Response, Rollout

LENGTHS = (500, 2000)  # characters at which all texts, and then the dearest KEPT, are tried
KEPT = (8, 3)
FACTOR = 4  # between two lengths that are compared
PATIENCE = 0.5  # seconds after which a text is not made longer
HOPELESS = 4e-5  # seconds per character after which no longer text is tried
MAX_PIECES = 18  # of one pattern, so that pairs stay few
COMMON = (
    " ", "\n", "\t", "a", "7", ".", ",", "-", "(", "{", "}", "$", "#", "*", "=", "\\", "'", "答", "\u200b", "\\boxed{", "\\[", "\\text{",
    "**", "\n#", "1,", "a ", ". ", "is ", "the answer is ", "<answer>", "</answer>", "```\n", "\\\\", "答案是", "or ", "- ", "x^",
    "</think>", "?",
)  # fmt: skip
_PIECE = re.compile(r"\\[A-Za-z]|\\.|[A-Za-z]{2,40}|[^\x00-\x7f]|[^\w\s?+*|()\[\]{}^$.]|[A-Za-z0-9]")
_FUNCTIONS = frozenset({"sub", "subn", "split", "search", "match", "fullmatch", "findall", "finditer"})
_CLASSES = {"s": " ", "S": "a", "d": "7", "D": "a", "w": "a", "W": "-", "b": "a ", "n": "\n", "t": "\t", "A": "", "Z": "", "B": ""}

Text = Callable[[int], str]  # a text of about so many characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The dearest text of a pattern or a rule, and what it costs at two lengths."""

    name: str
    text: str  # its beginning
    length: int  # characters of the longest text that was tried
    seconds: float  # of that text
    growth: float  # its seconds, divided by those of a text a quarter as long


def patterns() -> dict[str, re.Pattern[str]]:
    """Every pattern of rewards and r1lite.text: compiled ones by module and name, others by module and line."""
    found: dict[str, re.Pattern[str]] = {}
    for module in _modules(rewards, r1lite.text):
        for name, value in vars(module).items():
            for key, pattern in _patterns_in(value):
                found.setdefault(f"{module.__name__}.{name}{key}", pattern)
        found |= {f"{module.__name__}:{line}": re.compile(pattern) for line, pattern in inline(inspect.getsource(module)) if pattern}
    return found


def inline(source: str) -> Iterator[tuple[int, str]]:
    """The line and the pattern of each `re.sub(...)` and the like in a module; an empty pattern if it is not a plain string."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(called := node.func, ast.Attribute) or called.attr not in _FUNCTIONS:
            continue
        if isinstance(called.value, ast.Name) and called.value.id == "re":
            first = node.args[0]
            yield node.lineno, first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _modules(*packages: ModuleType) -> Iterator[ModuleType]:
    for package in packages:
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(info.name)


def _patterns_in(value: object) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield "", value
    elif isinstance(value, dict):
        yield from ((f"[{key!r}]{inner}", p) for key, item in value.items() for inner, p in _patterns_in(item))
    elif isinstance(value, list | tuple):
        yield from ((f"[{at}]{inner}", p) for at, item in enumerate(value) for inner, p in _patterns_in(item))


def hostile(pieces: Iterable[str]) -> list[Text]:
    """Texts of these pieces: each repeated, two and three in turn, one before and one after a run of another."""
    pieces = [p for p in dict.fromkeys(pieces) if p]
    texts = [_repeated(p) for p in pieces]
    for a, b in itertools.permutations(pieces, 2):
        texts += [_repeated(a + b), _run(a, b, "\x00")]
    third = Random("three in turn")
    texts += [_repeated("".join(third.sample(pieces, 3))) for _ in range(len(pieces)) if len(pieces) > 2]
    return texts


def _repeated(piece: str) -> Text:
    return lambda n: piece * (n // len(piece))


def _run(head: str, piece: str, tail: str) -> Text:
    return lambda n: head + piece * (n // len(piece)) + tail


def pieces_of(pattern: re.Pattern[str]) -> list[str]:
    """Literals and members of classes, as far as the pattern's text shows them, and some pieces that every pattern gets."""
    found: list[str] = _PIECE.findall(pattern.pattern)
    own = list(dict.fromkeys(_CLASSES.get(piece[1], piece[1]) if piece[0] == "\\" else piece for piece in found))
    random = Random(pattern.pattern)
    if len(own) > MAX_PIECES:
        own = random.sample(own, MAX_PIECES)
    return [*own, " ", "\n", "a", "7", *random.sample(COMMON, 4)]


def of_pattern(name: str, pattern: re.Pattern[str], length: int) -> Cost:
    """The cost of finding all matches of a pattern, and of matching it with the whole text."""

    def find(text: str) -> None:
        pattern.fullmatch(text)
        for _ in pattern.finditer(text):
            pass

    return dearest(name, find, hostile(pieces_of(pattern)), length)


def dearest(name: str, call: Callable[[str], object], texts: Iterable[Text], length: int) -> Cost:
    """The text that costs most when it is as long as `length`, among those that cost most when they are short."""
    kept = list(texts)
    for tried, count in zip(LENGTHS, KEPT, strict=True):
        took = [(seconds(call, text, tried, 1), at) for at, text in enumerate(kept)]
        kept = [kept[at] for _, at in sorted(took, reverse=True)[:count]]
        if seconds(call, kept[0], tried, 3) > HOPELESS * tried:
            return _grown(name, call, kept[0], tried)
    return max((_grown(name, call, text, length) for text in kept), key=lambda cost: (cost.length < length, cost.seconds))


def _grown(name: str, call: Callable[[str], object], text: Text, length: int) -> Cost:
    """The cost of one text at `length`, or at the first length at which it takes too long."""
    lengths = [length // FACTOR, length]
    while lengths[0] > LENGTHS[-1]:
        lengths.insert(0, lengths[0] // FACTOR)
    reached, growth = lengths[0], 0.0
    before = seconds(call, text, reached, 3)
    for reached in lengths[1:]:
        took = seconds(call, text, reached, 3)
        before, growth = took, took / max(before, 1e-9)
        if took > PATIENCE or (growth > 2 * FACTOR and took > PATIENCE / 50):
            break
    return Cost(name=name, text=text(60), length=reached, seconds=before, growth=growth)


def seconds(call: Callable[[str], object], text: Text, length: int, rounds: int) -> float:
    """The least processor time of some calls; each text differs a little, so that no cache answers."""
    least = float("inf")
    for extra in range(rounds):
        made = text(length + extra) + " " * extra
        begun = time.process_time()
        call(made)
        least = min(least, time.process_time() - begun)
    return least


# The options without which a rule cannot be called, and the columns that it reads.
OPTIONS: dict[str, dict[str, Any]] = {
    "regex": {"pattern": "{answer}", "search": True}, "length": {"limit": 100, "margin": 50}, "length_target": {"target": 100},
    "length_cosine": {"limit": 100}, "json_schema": {"schema": {"type": "object"}}, "trl": {"function": f"{__file__}:agreement"},
}  # fmt: skip
COLUMNS: dict[str, Any] = {
    "numbers": (3, 5), "target": 8, "dataset": "gsm_symbolic", "options": {}, "entry": {"answer": "7", "metadata": {}}, "tests": [],
}  # fmt: skip
ANSWERS = {"json_fields": '{"n": 7}', "choice": "B"}
BY_MODEL = {"model", "judge"}  # their cost is that of a model


def agreement(completions: list[str], **columns: Any) -> list[float]:
    """A function in the style of TRL."""
    return [0.0 for _ in completions]


def of_rule(name: str, length: int) -> Cost:
    """The cost of a verdict on a response that is hostile as a whole, in its thought, or in its answer."""
    rule, declaration = rewards.rewards[name], rewards.rewards.declaration(name)
    problem = Problem(id="0", prompt="How many?", answer=ANSWERS.get(name, "7"), info=COLUMNS)
    extra: dict[str, Any] = {"right": [True] if declaration.scores_groups else True} if declaration.takes_right else {}

    def call(text: str) -> object:
        rollout = Rollout(problem_id="0", index=0, prompt_ids=(), token_ids=tuple(range(len(text) // 4)), logprobs=(), text=text)
        return rule(problem, [rollout] if declaration.scores_groups else rollout, **OPTIONS.get(name, {}), **extra)

    call(respond(Response(thought="so", answer="7")))  # imports
    return dearest(name, call, list(_placed(hostile(Random(name).sample(COMMON, MAX_PIECES)))), length)


def _placed(texts: Iterable[Text]) -> Iterator[Text]:
    def within(text: Text, thought: bool) -> Text:
        return lambda n: respond(Response(thought=text(n) if thought else "so", answer="7" if thought else text(n)))

    for text in texts:
        yield from (text, within(text, True), within(text, False))


def rule_names() -> list[str]:
    return sorted(rewards.rewards._files() - BY_MODEL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--characters", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=15)
    options = parser.parse_args()
    costs = {
        "pattern": [of_pattern(name, pattern, options.characters) for name, pattern in patterns().items()],
        "rule": [of_rule(name, options.characters) for name in rule_names()],
    }
    for kind, listed in costs.items():
        print(f"{kind + f', the dearest of {len(listed)}':56}{'characters':>11}{'ms':>10}{'x for 4x':>10}  text")
        for cost in sorted(listed, key=lambda c: (-c.length, c.seconds), reverse=True)[: options.rows]:
            print(f"{cost.name:56}{cost.length:>11}{cost.seconds * 1000:>10.1f}{cost.growth:>10.1f}  {cost.text[:40]!r}")


if __name__ == "__main__":
    main()
