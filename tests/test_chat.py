"""A chat in a pipe: questions in, folded thoughts and answers out."""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from r1lite import cli
from r1lite.commands.chat import Conversation, printable, show, split_response
from r1lite.prompt import Prompter
from r1lite.types import Group, Problem, Rollout


@pytest.mark.parametrize(
    ("response", "thought", "answer"),
    [
        ("<think>1+1=2</think><answer> 2 </answer>", "1+1=2", "2"),
        ("1+1=2 \n</think>\n\nIt is 2.", "1+1=2", "It is 2."),
        ("<think>1+1=2</think>It is <answer>2</answer>", "1+1=2", "It is <answer>2</answer>"),
        ("<think>1+1", "1+1", ""),
        ("Well. <think>1+1", "1+1", "Well."),
        (" 2 ", "", "2"),
        ("", "", ""),
    ],
)
def test_thought_and_answer_are_told_apart(response: str, thought: str, answer: str) -> None:
    assert split_response(response) == (thought, answer)


def test_a_model_does_not_steer_the_terminal() -> None:
    assert printable("a\x1b[2J\tb\r\n你") == "a\N{REPLACEMENT CHARACTER}[2J\tb\N{REPLACEMENT CHARACTER}\n你"


def rollout(text: str, finish: Any = "stop") -> Rollout:
    return Rollout(problem_id="p", index=0, prompt_ids=(), token_ids=(1, 2), logprobs=(), text=text, finish=finish)


def test_the_thought_is_folded_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    show(rollout("<think>one [bold] two</think><answer>3</answer>"), show_thought=False)
    show(rollout("<think>one [bold] two</think><answer>3</answer>"), show_thought=True)
    show(rollout("<think>one"), show_thought=True)
    show(rollout("[red]4", "length"), show_thought=False)
    assert capsys.readouterr().out.splitlines() == [
        "[thought: 3 words]", "3", "one [bold] two", "3", "one", "[red]4", "[cut off after 2 tokens]"
    ]  # fmt: skip


@dataclass
class Echo:
    """Answers with how many messages it was shown."""

    seen: list[Any] = field(default_factory=list)

    def sample(self, problems: list[Problem], *, n: int, seed: str, greedy: bool = False) -> Iterator[Group]:
        self.seen.append([m["content"] for m in problems[0].prompt])  # pyright: ignore
        yield Group(problem=problems[0], rollouts=(rollout(f"<think>t</think><answer>{len(problems[0].prompt)}</answer>"),))


@pytest.mark.parametrize(
    ("turns", "max_prompt_tokens", "seen"),
    [
        (0, 100, [["a"], ["b"], ["c"]]),
        (1, 100, [["a"], ["a", "1", "b"], ["b", "3", "c"]]),
        (5, 100, [["a"], ["a", "1", "b"], ["a", "1", "b", "3", "c"]]),
        (5, 8, [["a"], ["a", "1", "b"], ["b", "3", "c"]]),  # each message has two tokens and its end
    ],
)
def test_earlier_turns_are_seen_as_far_as_asked_for_and_as_they_fit(
    turns: int, max_prompt_tokens: int, seen: list[list[str]], tokenizer: Any
) -> None:
    echo = Echo()
    talk = Conversation(sampler=echo, prompter=Prompter(tokenizer=tokenizer), max_prompt_tokens=max_prompt_tokens, turns=turns)  # pyright: ignore
    for question in "abc":
        talk.ask(question, seed="s")
    assert echo.seen == seen
    with pytest.raises(ValueError, match="the question is longer"):
        talk.ask("long" * 40, seed="s")


def run(monkeypatch: pytest.MonkeyPatch, typed: str, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["r1lite", "chat", *words])
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    cli.main()


def test_a_pipe_gets_an_answer_for_each_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "1+1 mod 23\n\n2*3 mod 23\n", "tiny_student", "sampler.max_tokens=2", "prompt.prefill='<think>'", "threads=1")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("[")] == ["[thought: 1 words]", "[cut off after 2 tokens]"] * 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["threads=1"], "name one model: r1lite chat RUN_OR_PATH"),
        (["tiny_base", "tiny_student"], "name one model"),
        (["tiny_base", "turns=few"], "turns must be a whole number of at least 0, got 'few'"),
        (["tiny_base", "sampler.temprature=1"], "unknown setting 'sampler.temprature'. Did you mean sampler.temperature?"),
        (["tiny_base", "--show-thougt"], "settings are written without dashes"),
    ],
)
def test_what_makes_no_sense_is_said(words: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, "1+1\n", *words)
    assert says in str(stopped.value)
