"""No pattern and no rule costs more than in proportion to the length of a text, whatever the text."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.growth import Cost, dearest, hostile, inline, of_pattern, of_rule, patterns, pieces_of, rule_names

HOME = Path(__file__).parent.parent
LENGTH = 8000  # compared with a quarter of it
# Four times the text costs 4 times as much if the cost is linear, 16 times if it is quadratic. Below the floor, a slow clock decides.
MOST_GROWTH, FLOOR = 8.0, 0.004
PATTERNS = patterns()


def fault(measure: Callable[[], Cost]) -> Cost | None:
    """A cost that grows too fast in each of three measurements, so that one interruption by the machine is no fault."""
    cost = None
    for _ in range(3):
        cost = measure()
        if cost.length == LENGTH and (cost.seconds < FLOOR or cost.growth < MOST_GROWTH):
            return None
    return cost


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_patterns_grow_with_the_text(name: str) -> None:
    assert fault(lambda: of_pattern(name, PATTERNS[name], LENGTH)) is None


@pytest.mark.parametrize("name", rule_names())
def test_rules_grow_with_the_text(name: str) -> None:
    assert fault(lambda: of_rule(name, LENGTH)) is None


@pytest.mark.parametrize("pattern", [r"\s*x", r"(?:\n|^)[#\s]*answer", r"\d+\.?\d*%", r"<.*?>"])
def test_the_measurement_finds_what_is_quadratic(pattern: str) -> None:
    cost = of_pattern("broken", re.compile(pattern), LENGTH)
    assert cost.length < LENGTH or cost.growth > MOST_GROWTH


def test_pieces_come_from_the_pattern() -> None:
    assert {"answer", "#", " ", "答", "7"} <= set(pieces_of(re.compile(r"#\s*answer|答\d")))
    assert {text(6) for text in hostile(["ab", "c"])} >= {"ababab", "cccccc", "abcabc", "ccc" * 2}


def test_a_cubic_text_is_given_up_early() -> None:
    cost = dearest("cubic", lambda text: [None for _ in text for _ in text for _ in text[:40]], hostile("a"), 32_000)
    assert cost.length < 32_000


def test_no_pattern_is_hidden_from_the_measurement() -> None:
    """What is not compiled at module level is a plain string in the call; a user's own pattern is the user's."""
    paths = sorted([*(HOME / "rewards").rglob("*.py"), *(HOME / "r1lite" / "text").glob("*.py")])
    sources = {path: path.read_text(encoding="utf-8") for path in paths if path.name != "regex.py"}
    assert [(str(path), line) for path, source in sources.items() for line, pattern in inline(source) if not pattern] == []
    assert "rewards._math.reading.words" in {name.partition(":")[0] for name in PATTERNS if ":" in name}
