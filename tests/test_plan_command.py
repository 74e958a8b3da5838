"""`r1lite plan`: what it prints, and what it refuses."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from r1lite.commands import plan

EIGHT_B = "shape={hidden: 4096, layers: 32, heads: 32, kv_heads: 8, intermediate: 14336, vocab: 128256}"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["r1lite plan", *words])
        monkeypatch.setenv("COLUMNS", "120")
        plan.main()
        return capsys.readouterr().out

    return ask


def test_a_plan_that_fits(said: Any) -> None:
    text = said("model.path=tiny_base", "gpus=h100")
    assert text.startswith("1 M parameters, stage rl, 1 rank on h100; ")
    for word in ("GB on a rank", "weights", "moments", "keys and values", "gradients", "sum", "of 80.00 GB: it fits", "seconds of a step"):
        assert word in text
    assert "not been measured on a GPU" in text
    assert "it fits with" not in text
    assert len(text.splitlines()) <= 30


def test_a_plan_that_does_not_fit_says_what_to_change(said: Any) -> None:
    words = (EIGHT_B, "gpus=8x80", "model=instruct", "model.path=x", "model.dtype=bfloat16", "stages=[rl]")
    text = said(*words)
    assert "8,030 M parameters, stage rl, 8 ranks on 80 GB, rates of a100, a whole copy of the weights each" in text
    assert "of 80.00 GB: it does not fit" in text
    advice = next(line for line in text.splitlines() if line.startswith("it fits with "))
    settings = advice.removeprefix("it fits with ").partition(" (")[0].split()
    assert "of 80.00 GB: it fits" in said(*words, *settings)
    assert json.loads(said(*words, "format=json"))["advice"] == {"changes": settings, "fits": True}


def test_a_plan_as_json(said: Any) -> None:
    found = json.loads(said("model.path=tiny_base", "gpus=2xh100", "prompt_tokens=100", "format=json"))
    assert (found["stage"], found["ranks"], found["fits"], found["advice"]) == ("rl", 2, True, None)
    assert found["needed"] > max(sum(parts.values()) for parts in found["bytes"].values())
    assert set(found["seconds"]) == {"sampling", "training", "gradients and shards", "sync", "step"}


def test_this_machine(said: Any) -> None:
    found = json.loads(said("model.path=tiny_base", "gpus=cpu", "processes=2", "prompt_tokens=100", "format=json"))
    assert found["ranks"] == 2
    assert "packed weights" in found["bytes"]["sampling"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["model.path=no_such_model"], "model 'no_such_model' is not a folder, not a hub name"),
        (["model.path=some-owner/not-downloaded"], "Download it: hf download some-owner/not-downloaded config.json"),
        (["gpus=nonsense"], "unknown card 'nonsense'"),
        (["gpus=8x"], "gpus='8x' cannot be read"),
        (["rl.stepz=3"], r"unknown setting 'rl\.stepz'\. Did you mean rl\.steps\?"),
        (["prompt_tokens=many"], "prompt_tokens must be a number of tokens, got 'many'"),
        (["format=xml"], "format must be text or json, got 'xml'"),
        (["shape={hidden: 3}"], "shape needs hidden, layers, heads, kv_heads, intermediate, vocab"),
        (["gpus=8x80", "parallel.shard=3"], r"parallel\.shard=3 must divide the number of ranks, which is 8"),
    ],
)
def test_what_it_refuses(words: list[str], error: str, said: Any) -> None:
    with pytest.raises(SystemExit, match=f"error: .*{error}"):
        said(*words)


def test_a_folder_without_a_configuration(said: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"holds no model: it has no config\.json"):
        said(f"model.path={tmp_path}", "gpus=h100")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(SystemExit, match=r"config\.json is not valid JSON"):
        said(f"model.path={tmp_path}", "gpus=h100")
