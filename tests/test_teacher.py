"""A teacher behind an endpoint, from the question to the data set: what is kept, what it cost, what a death leaves."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoints import Behaviour, Handler, Server, serving

from r1lite.config import Config
from r1lite.endpoint.completion import EndpointError
from r1lite.prompt import Prompter
from r1lite.store.metrics import Metrics
from r1lite.store.run import Place
from r1lite.teaching.teacher import bill_of, messages_for, traces_from_teacher, with_tags
from r1lite.train import train
from r1lite.types import Problem

SMALL = (
    "task.difficulty=easy distill.prompts=8 distill.samples=2 distill.keep_per_prompt=2 distill.teacher=endpoint teacher.model=wise "
    "teacher.concurrency=2 teacher.retries=1 teacher.backoff=0.01 teacher.timeout=30 teacher.price_in=2 teacher.price_out=10 "
    "scoring.workers=0 threads=1 evaluate.every_stage=false"
).split()


def right(handler: Handler, body: dict[str, Any]) -> None:
    """Answers a problem of the task rightly, with its thought apart: a chain is read from left to right."""
    prompt = body["messages"][-1]["content"]
    chain, modulus = prompt.split(" mod ")
    first, *steps = re.findall(r"[+*]?\d+", chain)
    value = int(first)
    for step in steps:
        value = (value + int(step[1:]) if step[0] == "+" else value * int(step[1:])) % int(modulus)
    handler.answer(str(value), reasoning=f"thought number {handler.number} about {prompt}", usage=(100, 50))


def place_in(folder: Path, name: str = "distill") -> Place:
    return Place(name=name, out=folder / name, run=folder, metrics=Metrics(folder / "metrics.jsonl"))


def ask(server: Server, folder: Path, tokenizer: Any, config: Callable[..., Config], *changes: str) -> list[dict[str, Any]]:
    cfg = config(*SMALL, f"teacher.url={server.url}", f"run_dir={folder}", *changes)
    path = traces_from_teacher(Prompter(tokenizer=tokenizer, system=cfg.prompt.system), cfg, cfg.distill, place_in(folder))
    return [json.loads(line) for line in path.read_text().splitlines()]


def sampling(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "distill" / "sampling.json").read_text())


def saved(folder: Path) -> list[str]:
    return (folder / "distill" / "answers.jsonl").read_text().splitlines()


def test_right_answers_become_examples_and_are_paid_for(tokenizer: Any, config: Callable[..., Config], tmp_path: Path) -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        match handler.number:
            case 0:
                handler.answer("<answer>99</answer>", reasoning="wrong", usage=(100, 50))
            case 1:
                handler.answer("", reasoning="too lo", finish="length", usage=None)
            case 2:
                handler.say(400, b"filtered")
            case _:
                right(handler, body)

    with serving(behave) as server:
        rows = ask(server, tmp_path, tokenizer, config, "prompt.system=unused")
    assert len(rows) == 13
    assert all(row["completion"].startswith("<think>thought number") and row["reward"] == 1.1 for row in rows)
    assert all(row["completion"].endswith(f"</think><answer>{row['answer']}</answer>") for row in rows)
    found = sampling(tmp_path)
    assert (found["responses"], found["kept"]) == (15, 13)
    assert found["dropped"] == {"wrong": 2}
    assert found["teacher"] == {
        "answers": 15, "refused": 1, "tokens_in": 1400, "tokens_out": 700, "cost": 0.0098, "usage_untold": 1
    }  # fmt: skip
    assert len(saved(tmp_path)) == 16
    assert server.asked[0]["messages"][0]["role"] == "system"
    assert "<answer>" in server.asked[0]["messages"][0]["content"]


def test_a_teacher_that_dies_is_asked_again_only_for_what_is_missing(tokenizer: Any, config: Callable[..., Config], tmp_path: Path) -> None:
    def dies(handler: Handler, body: dict[str, Any]) -> None:
        right(handler, body) if handler.number < 7 else handler.say(503, b"gone home")

    with serving(dies) as server, pytest.raises(EndpointError) as error:
        ask(server, tmp_path, tokenizer, config)
    assert str(error.value) == (
        f"distill: the teacher at {server.url} does not answer: HTTP 503: gone home (3 requests in a row, each tried 2 times). "
        f"7 of 16 answers are saved in {tmp_path}/distill/answers.jsonl. The same command with run_dir={tmp_path} asks for the rest; "
        f"you may change teacher.url, api_key_env, timeout, retries, backoff, concurrency and requests_per_minute."
    )
    before = saved(tmp_path)
    assert len(before) == 7
    with (tmp_path / "distill" / "answers.jsonl").open("a") as file:
        file.write('{"key": "half a li')  # the machine went down in the middle of a line
    with serving(right) as server:
        rows = ask(server, tmp_path, tokenizer, config)
    assert len(server.asked) == 9
    assert saved(tmp_path)[:7] == before
    assert len({json.loads(line)["key"] for line in saved(tmp_path)}) == 16
    assert len(rows) == 16
    assert sampling(tmp_path)["teacher"]["cost"] == pytest.approx(16 * (100 * 2 + 50 * 10) / 1e6)
    (tmp_path / "other" / "distill").mkdir(parents=True)
    shutil.copy(tmp_path / "distill" / "answers.jsonl", tmp_path / "other" / "distill")
    with serving(right) as server:
        assert ask(server, tmp_path, tokenizer, config) == rows
        assert len(ask(server, tmp_path / "other", tokenizer, config, "distill.keep_per_prompt=1")) == 8
    assert server.asked == []


def test_a_question_that_is_given_up_is_said_and_the_rest_is_used(
    tokenizer: Any, config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first: list[str] = []

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        first[:] = first or [body["messages"][-1]["content"]]
        handler.say(500) if body["messages"][-1]["content"] == first[0] else right(handler, body)

    with serving(behave) as server:
        rows = ask(server, tmp_path, tokenizer, config, "teacher.concurrency=1")
    assert len(rows) == 14
    assert "2 requests failed, each after 2 tries" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("behave", "says"),
    [
        (lambda handler, body: handler.say(500), "does not answer: no request was answered. 0 of 2 answers are saved"),
        (lambda handler, body: handler.say(400), "the teacher refused all 2 requests; "),
        (
            lambda handler, body: handler.answer("<answer>99</answer>", reasoning="r"),
            r"none of 2 responses is correct and readable (wrong 2)",
        ),
    ],
)
def test_where_nothing_is_learnt_it_is_said_why(
    behave: Behaviour, says: str, tokenizer: Any, config: Callable[..., Config], tmp_path: Path
) -> None:
    with serving(behave) as server, pytest.raises(ValueError) as error:  # noqa: PT011
        ask(server, tmp_path, tokenizer, config, "distill.prompts=1")
    assert says in str(error.value)


def test_the_key_is_in_no_file(config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        assert handler.headers["Authorization"] == "Bearer sk-very-secret"
        handler.say(500, b"sk-very-secret failed") if handler.number == 0 else right(handler, body)

    small = ["stages=[distill]", "distill.steps=2", "distill.batch_size=4", "teacher.api_key_env=MY_KEY", f"run_dir={tmp_path / 'run'}"]
    with serving(behave) as server:
        train(config(*SMALL, *small, f"teacher.url={server.url}"))
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["stages"][-1]["sampling"]["teacher"]["answers"] == 16
    assert "taught by `wise`" in (tmp_path / "run" / "distill" / "final" / "README.md").read_text()
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) > 10
    assert not [p for p in files if b"sk-very-secret" in p.read_bytes()]
    assert "sk-very-secret" not in "".join(capfd.readouterr())


def test_a_cold_start_from_a_teacher_may_go_on_elsewhere(config: Callable[..., Config], tmp_path: Path) -> None:
    small = "stages=[cold_start] cold_start.data=teacher cold_start.ask.prompts=6 cold_start.ask.samples=1 cold_start.steps=2".split()
    small += ["cold_start.batch_size=4", f"run_dir={tmp_path / 'run'}", *(s for s in SMALL if not s.startswith("distill"))]

    def dies(handler: Handler, body: dict[str, Any]) -> None:
        right(handler, body) if handler.number < 2 else handler.hang()

    with serving(dies) as server, pytest.raises(EndpointError, match="2 of 6 answers are saved"):
        train(config(*small, f"teacher.url={server.url}", "teacher.timeout=0.3", "teacher.retries=0"))
    with serving(right) as server:
        train(config(*small, f"teacher.url={server.url}"))
    assert len(server.asked) == 4
    assert (tmp_path / "run" / "cold_start" / "final" / "model.safetensors").is_file()


def test_a_cold_start_from_the_models_own_answers(config: Callable[..., Config], tmp_path: Path) -> None:
    small = "stages=[cold_start] cold_start.data=own cold_start.ask.prompts=12 cold_start.ask.samples=4 cold_start.steps=2".split()
    small += ["cold_start.batch_size=4", "task.difficulty=easy", "scoring.workers=0", "threads=1", "evaluate.every_stage=false"]
    train(config(*small, f"run_dir={tmp_path}"))
    found = json.loads((tmp_path / "summary.json").read_text())["stages"][-1]["sampling"]
    assert found["responses"] == 48
    assert found["kept"] + sum(found["dropped"].values()) == 48
    assert found["kept"] == len((tmp_path / "cold_start" / "data.jsonl").read_text().splitlines()) > 0


@pytest.mark.parametrize(
    ("reasoning", "content", "text"),
    [
        ("so", "<answer>4</answer>", "<think>so</think><answer>4</answer>"),
        (" so\n", "4", "<think>so</think><answer>4</answer>"),
        ("", "<think>so</think>\n\n4 ", "<think>so</think><answer>4</answer>"),
        ("", "so</think><answer>4</answer>", "<think>so</think><answer>4</answer>"),
        ("apart", "<think>so</think><answer>4</answer>", "<think>so</think><answer>4</answer>"),
        ("so", "", "<think>so</think>"),
        ("", "just 4", "just 4"),
        ("", "<think>never closed", "<think>never closed"),
    ],
)
def test_thought_and_answer_come_into_the_houses_tags(reasoning: str, content: str, text: str) -> None:
    assert with_tags(reasoning, content) == text


def test_what_a_teacher_is_told() -> None:
    problem, chat = Problem(id="p", prompt="2+2"), Problem(id="q", prompt=({"role": "user", "content": "hi"},))
    assert messages_for(problem, "Think") == ({"role": "system", "content": "Think"}, {"role": "user", "content": "2+2"})
    assert messages_for(chat, "House")[0]["content"] == "House"
    assert messages_for(chat, "") == ({"role": "user", "content": "hi"},)


def test_the_bill(config: Callable[..., Config]) -> None:
    rows = [
        {"content": "a", "tokens_in": 1_000_000, "tokens_out": 500_000},
        {"content": "b", "tokens_in": 4, "tokens_out": None},
        {"why": "no", "refused": True},
    ]
    found = bill_of(rows, config("teacher.price_in=0.5", "teacher.price_out=2").teacher)
    assert found == {"answers": 2, "refused": 1, "tokens_in": 1_000_004, "tokens_out": 500_000, "cost": 1.500002, "usage_untold": 1}
