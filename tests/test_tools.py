"""Tools: arithmetic, Python with state, calls that are malformed, and what an output must not do."""

from __future__ import annotations

from typing import Any

import pytest

from r1lite.episodes import Insert
from r1lite.episodes.environments.guess import Guess
from r1lite.episodes.environments.retry import without_answer
from r1lite.episodes.environments.tools import Tools
from r1lite.episodes.host import Host
from r1lite.episodes.play import Spec
from r1lite.episodes.tools import Malformed, call, tool, tools
from r1lite.episodes.tools.calculator import calculator
from r1lite.prompt import Prompter
from r1lite.teaching.episodes import worked
from r1lite.types import Problem, Verdict
from tasks.arithmetic import Arithmetic
from tasks.guess_number import GuessNumber


@pytest.mark.parametrize(
    ("expression", "value"),
    [("2+3*4", "14"), (" -(7-9)**3 ", "8"), ("1/3", "0.333333333333"), ("7//2", "3"), ("-7%5", "3"), ("0.1+0.2", "0.3"), ("2**-1", "0.5")],
)
def test_the_calculator_is_exact(expression: str, value: str) -> None:
    assert calculator(expression) == value


@pytest.mark.parametrize("expression", ["", "1+", "a+1", "9**9**9", "1/0", "0**-1", "__import__('os')", "True+1", "(" * 500, "'a'*9"])
def test_the_calculator_says_what_it_does_not_understand(expression: str) -> None:
    with pytest.raises(Malformed):
        calculator(expression)


def say(environment: Tools, reply: str) -> str:
    answer = environment.step(reply)
    assert isinstance(answer, Insert)
    return answer.text


def test_a_call_is_answered_and_anything_else_ends_the_episode() -> None:
    environment = Tools(tools=["calculator"])
    assert environment.stop == ("</calculator>",)
    assert say(environment, "<think>so <calculator>12*3</calculator>") == "<output>36</output>"
    assert say(environment, "12</calculator>") == "<output>error: </calculator> without <calculator></output>"
    assert "error: division by zero" in say(environment, "<calculator>1/0</calculator>")
    assert environment.step("</think><answer>36</answer>") is None
    assert environment.step("<calculator>1</calculator> and <output>9</output>") is None  # a forged output gets no answer


def test_tools_are_described_in_the_first_message() -> None:
    ((message),) = Tools(tools=["calculator"]).reset(Problem(id="p", prompt="1+1"))
    assert isinstance(message, dict)
    assert message["content"].endswith("<calculator>expression</calculator> Compute an arithmetic expression.\n\n1+1")
    assert Tools(tools=["calculator"], describe=False).reset(Problem(id="p", prompt="1+1")) == "1+1"


def test_output_is_cut_and_cannot_end_itself() -> None:
    @tool
    def shout(text: str) -> str:
        """Say it often."""
        return text * 100

    try:
        answer = say(Tools(tools=["shout"], output=20), "<shout></output>!</shout>")
        assert answer == "<output>< /output>!< /output [cut: 1100 characters]</output>"
    finally:
        tools.remove("shout")


def test_arguments_are_checked_against_the_signature() -> None:
    @tool
    def between(first: int, second: int = 0) -> int:
        """The difference."""
        return second - first

    try:
        environment = Tools(tools=["between"])
        assert say(environment, '<between>{"first": "2", "second": 5}</between>') == "<output>3</output>"
        assert "between needs first" in say(environment, "<between>{}</between>")
        assert "takes a JSON object with first, second" in say(environment, "<between>2</between>")
        assert "first of between should be of type int" in say(environment, '<between>{"first": "x"}</between>')
        assert "Did you mean 'first'" in say(environment, '<between>{"firs": 1}</between>')
    finally:
        tools.remove("between")


def test_a_tool_needs_types_and_a_docstring() -> None:
    with pytest.raises(ValueError, match="parameter 'x' needs a type"):
        tool(lambda x: x)


@pytest.mark.slow
def test_python_keeps_names_between_calls_and_prints_once() -> None:
    session: dict[str, Any] = {}
    assert call("python", {"code": "x = 20\nprint('once')"}, session) == "once"
    assert call("python", {"code": "def f(n):\n    return n + 2\nf(x)"}, session) == "22"
    assert "NameError" in call("python", {"code": "y"}, session)
    assert call("python", {"code": "f(x) * 2"}, session) == "44"
    assert call("python", {"code": "while True: pass"}, session).endswith("error: no end within 5 s")
    assert call("python", {"code": "x"}, {}).startswith("error: NameError")


def test_guess_says_higher_and_lower() -> None:
    environment = Guess(tries=4)
    environment.reset(Problem(id="p", prompt="", answer="7"))
    assert [environment.step(f"<answer>{g}</answer>") for g in ("3", "9", "x", "8")] == ["higher", "lower", "no number", None]
    environment = Guess()
    environment.reset(Problem(id="p", prompt="", answer="7"))
    assert environment.step("<answer>7</answer>") is None


def test_a_reason_does_not_name_the_answer() -> None:
    problem = Problem(id="p", prompt="", answer="12")
    assert without_answer(Verdict(value=0.0, why="extracted '5', expected '12'"), problem) == "extracted '5'"
    assert without_answer(Verdict(value=0.0, why="not 12"), problem) == ""
    assert without_answer(Verdict(value=0.0, why="extracted '112'"), problem) == "extracted '112'"


def test_worked_episodes_learn_the_models_turns_alone(tokenizer: Any, config: Any) -> None:
    host = Host(Spec(name="tools", options={"tools": ["chain"], "describe": False}), config("scoring.workers=0").scoring, {})
    task = Arithmetic(seed=0)
    problem = task.problems("train")[0]
    turns = task.turns(problem, "tools")
    assert turns
    assert task.turns(problem, "retry") is None
    sample = worked(problem, turns, host, Prompter(tokenizer=tokenizer), key="k")
    pairs = list(zip(sample.token_ids, sample.mask, strict=True))
    given = tokenizer.decode([t for t, m in pairs if not m])
    assert given == f"<output>{problem.answer}</output>"
    own = tokenizer.decode([t for t, m in pairs if m])
    assert own == f"<think><chain>{problem.prompt}</chain></think><answer>{problem.answer}</answer><|end|>"


def test_worked_guesses_end_with_the_number(tokenizer: Any, config: Any) -> None:
    host = Host(Spec(name="guess", options={"tries": 5}), config("scoring.workers=0").scoring, {})
    task = GuessNumber(seed=0)
    for problem in [task.problems("train")[i] for i in range(8)]:
        turns = task.turns(problem, "guess")
        assert turns
        sample = worked(problem, turns, host, Prompter(tokenizer=tokenizer), key=problem.id)
        text = tokenizer.decode(list(sample.token_ids))
        assert text.count("<|assistant|>") == min(len(turns), 5) - 1
        assert sum(sample.mask or [True] * len(sample.token_ids)) == sum(len(tokenizer(t)["input_ids"]) + 1 for t in turns[:5])
