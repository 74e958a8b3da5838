"""An exported model is the same function, and loads without r1lite."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from r1lite import cli
from r1lite.commands.export import export, find, run_of


def a_run(folder: Path, weights: str) -> Path:
    """What a run leaves that others look for."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("seed: 0\n")
    (folder / "summary.json").write_text(
        json.dumps({"stages": [{"name": "base", "weights": "tiny_base"}, {"name": "rl", "weights": weights}]})
    )
    return folder


@pytest.fixture
def run(model_folder: Path, tmp_path: Path) -> Path:
    folder = a_run(tmp_path / "run", "rl/final")
    (folder / "rl").mkdir()
    model_folder.rename(folder / "rl" / "final")
    return folder


def logits(folder: Path, **how: Any) -> torch.Tensor:
    with torch.inference_mode():
        return AutoModelForCausalLM.from_pretrained(folder, **how).eval()(torch.arange(12)[None]).logits


def test_an_exported_run_gives_the_same_logits(run: Path, tmp_path: Path) -> None:
    (run / "rl" / "final" / "README.md").write_text("the card\n")
    folder = export(str(run), output=str(tmp_path / "out"))
    assert torch.equal(logits(folder), logits(run / "rl" / "final"))
    assert (folder / "README.md").read_text() == "the card\n"
    theirs, mine = (AutoTokenizer.from_pretrained(f) for f in (folder, run / "rl" / "final"))
    asked = [{"role": "user", "content": "1+1"}]
    assert theirs.apply_chat_template(asked, tokenize=False) == mine.apply_chat_template(asked, tokenize=False)
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == mine.eos_token_id


def test_bfloat16_halves_the_weights_and_says_so(run: Path, tmp_path: Path) -> None:
    (run / "rl" / "final" / "README.md").write_text("the card\n")
    folder = export(str(run), output=str(tmp_path / "out"), dtype="bfloat16")
    assert AutoModelForCausalLM.from_pretrained(folder, dtype="auto").dtype == torch.bfloat16
    assert torch.equal(logits(folder, dtype="auto"), logits(run / "rl" / "final", dtype=torch.bfloat16))
    assert (
        folder / "README.md"
    ).read_text() == "the card\n\nExported with bfloat16 weights; any figures above were measured before that.\n"


def test_a_model_is_found_by_its_run_its_stage_its_folder_and_its_name(run: Path) -> None:
    final = str(run / "rl" / "final")
    assert [find(str(p)) for p in (run, run / "rl", final)] == [final] * 3
    assert Path(find("tiny_base")).name == "tiny_base"
    assert find("owner/name") == "owner/name"
    assert [run_of(str(p)) for p in (run, run / "rl", final)] == [run.resolve()] * 3
    assert run_of("tiny_base") is None


def test_an_evaluation_that_came_later_does_not_change_what_a_run_stands_for(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary["stages"].append({"name": "evaluate", "weights": "tiny_base"})
    (run / "summary.json").write_text(json.dumps(summary))
    assert find(str(run)) == str(run / "rl" / "final")


def test_a_run_that_only_evaluated_stands_for_what_it_evaluated(tmp_path: Path) -> None:
    assert Path(find(str(a_run(tmp_path / "run", "tiny_base")))).name == "tiny_base"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tiny_base"], "name one model, and where to write it: r1lite export RUN_OR_PATH output=FOLDER"),
        (["output=out"], "name one model, and where to write it"),
        (["tiny_base", "output=out", "dtyp=float32"], "unknown setting 'dtyp'. Did you mean 'dtype'?"),
        (["tiny_base", "output=out", "dtype=int8"], "unknown dtype 'int8'. Known: bfloat16, float32."),
        (["tiny_base", "output=out", "format=onnx"], "unknown format 'onnx'. Known: gguf, safetensors."),
        (["tiny_base", "output=out", "format=gguf"], "output=out does not match format=gguf: the name of a GGUF file ends in .gguf"),
        (["tiny_base", "output=out.gguf"], "output=out.gguf does not match format=safetensors"),
        (["tiny_base", "output=out.gguf", "format=gguf", "dtype=bfloat16"], "unknown dtype 'bfloat16'. Known: F16, Q8_0."),
        (["tiny_base", "output=out.gguf", "format=gguf"], "format=gguf cannot represent this model: its architecture is qwen3"),
        (["gone.gguf", "output=out"], "model 'gone.gguf': there is no such file."),
        (["tiny_base", "output=full"], "full exists already"),
        (["tiny_bas", "output=out"], "model 'tiny_bas' is not a folder"),
        (["begun", "output=out"], "the run begun has not finished a stage yet"),
        (["judge", "output=out"], "judge is a reward model: it scores text and cannot generate any"),
    ],
)
def test_what_makes_no_sense_is_said(words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file, text in (
        ("full/mine.txt", "mine"),
        ("begun/config.yaml", ""),
        ("judge/config.json", '{"architectures": ["AForSequenceClassification"]}'),
    ):
        Path(file).parent.mkdir()
        Path(file).write_text(text)
    monkeypatch.setattr(sys, "argv", ["r1lite", "export", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert says in str(stopped.value)
    assert Path("full/mine.txt").read_text() == "mine"
    assert not Path("out").exists()
    assert not Path("out.gguf").exists()
