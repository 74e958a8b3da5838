"""Replies of the judge on disk: asked for once, and the same for everybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoints import Server, serving
from judges import SUM, honest, judged, reply, saying

from r1lite.config import Config
from r1lite.endpoint.completion import Answer
from r1lite.train import train
from r1lite.types import Problem
from rewards._judge.cache import Cache


def asked_for(server: Server, folder: Path, text: str = "4", problem: Problem = SUM, **options: Any) -> int:
    """How many requests a verdict takes."""
    before = len(server.asked)
    judged(server.url, text, problem=problem, **{"cache": str(folder), **options})
    return len(server.asked) - before


def test_a_reply_holds_for_the_same_request_alone(tmp_path: Path) -> None:
    with serving(honest) as server:
        assert asked_for(server, tmp_path) == 1
        assert asked_for(server, tmp_path) == 0
        assert asked_for(server, tmp_path, "5") == 1
        assert asked_for(server, tmp_path, problem=Problem(id="p", prompt="3+1?", answer="4")) == 1
        assert asked_for(server, tmp_path, problem=Problem(id="p", prompt="2+2?", answer="5")) == 1
        assert asked_for(server, tmp_path, problem=Problem(id="other", prompt="2+2?", answer="4")) == 0
        assert asked_for(server, tmp_path, model="wiser") == 1
        assert asked_for(server, tmp_path, rubric="Be strict.") == 1
        assert asked_for(server, tmp_path, scale=2) == 1
        assert asked_for(server, tmp_path, max_tokens=5) == 1
        assert asked_for(server, tmp_path, response_format=True) == 1
        assert asked_for(server, tmp_path, extra={"top_k": 1}) == 1
        assert asked_for(server, tmp_path, retries=2, timeout=9.0, total_seconds=20.0, concurrency=2) == 0
        assert asked_for(server, tmp_path / "elsewhere") == 1
        assert asked_for(server, tmp_path, cache="") == 1
    with serving(honest) as elsewhere:
        assert asked_for(elsewhere, tmp_path) == 0


def test_without_a_server_the_saved_replies_are_enough(tmp_path: Path) -> None:
    with serving(honest) as server:
        first = judged(server.url, "4", "5", cache=str(tmp_path))
    assert judged(server.url, "4", "5", cache=str(tmp_path)) == first
    (lost,) = judged(server.url, "6", cache=str(tmp_path))
    assert lost.outcome == "failed"


def test_a_reply_in_another_form_is_saved_too(tmp_path: Path) -> None:
    with serving(saying("yes")) as server:
        assert asked_for(server, tmp_path) == 1
        assert asked_for(server, tmp_path) == 0
        (verdict,) = judged(server.url, "4", cache=str(tmp_path))
    assert verdict.outcome == "failed"


def test_a_file_holds_the_reply_and_its_tokens(tmp_path: Path) -> None:
    with serving(saying(reply(1, "\ud800 好"))) as server:
        judged(server.url, "4", cache=str(tmp_path))
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    row = json.loads(file.read_text(encoding="utf-8"))
    assert file.parent.name == row["key"][:2]
    assert file.name == f"{row['key']}.json"
    assert (row["content"], row["tokens_in"], row["tokens_out"]) == (reply(1, "\ud800 好"), 10, 5)


@pytest.mark.parametrize("links", [True, False])
def test_the_first_reply_counts_for_all(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise PermissionError

    if not links:
        monkeypatch.setattr("os.link", unsupported)
    cache = Cache(str(tmp_path))
    assert cache.get("abc") is None
    first, second = Answer(key="abc", content="1"), Answer(key="abc", content="2")
    assert cache.put(first) == first
    assert cache.put(second) == (first if links else second)  # without links, the last one counts from now on
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["abc.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"content": 1}'])
def test_a_damaged_file_is_named(content: str, tmp_path: Path) -> None:
    with serving(honest) as server:
        asked_for(server, tmp_path)
        (file,) = tmp_path.rglob("*.json")
        file.write_text(content)
        (verdict,) = judged(server.url, "4", cache=str(tmp_path))
    assert verdict.outcome == "failed"
    assert f"{file} is not a saved reply" in verdict.why
    assert verdict.why.endswith("Delete the file, and the judge is asked again.")


@pytest.mark.slow
def test_a_second_run_costs_nothing_and_a_run_goes_on_at_another_address(
    config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # which holds runs/judge
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret")

    def trained(server: Server, name: str, *more: str) -> list[Any]:
        small = "rl.steps=2 rl.prompts_per_step=4 rl.group_size=4 sampler.max_tokens=64 threads=1 evaluate.every_stage=false".split()
        judge = {"url": server.url, "model": "wise", "api_key_env": "JUDGE_KEY"}
        chosen = [f"+rewards.judge.{option}={value}" for option, value in judge.items()]
        train(config("stages=[rl]", *small, *chosen, "~rewards.answer", f"run_dir={name}", *more))
        steps = map(json.loads, (tmp_path / name / "metrics.jsonl").read_text().splitlines())
        return [step["reward/judge"] for step in steps if "reward/judge" in step]

    with serving(honest) as server:
        first = trained(server, "first")
        asked = len(server.asked)
        assert asked > 0
        assert trained(server, "second") == first
        assert len(server.asked) == asked
    with serving(honest) as elsewhere:
        assert trained(elsewhere, "first", "stages=[rl,rl_2]", "+rounds.rl_2.steps=1")[:2] == first
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"sk-very-secret" in path.read_bytes()]
