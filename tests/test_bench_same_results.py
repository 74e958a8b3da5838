"""Two runs are compared to the bit, and the first difference is named with both values."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from bench import same_results
from bench._common.compare import compare_runs, first_difference, tensor_difference

HOME = Path(__file__).resolve().parent.parent
ROWS = [{"problem_id": "a", "logprobs": [-0.5, -0.25]}, {"problem_id": "b", "logprobs": [-1.0]}]
FAKE = """import json, pathlib, sys
run = pathlib.Path(sys.argv[-1].removeprefix("run_dir="))
run.mkdir()
(run / "summary.json").write_text(json.dumps({"stages": [{"name": "rl", "eval": {"pass@1": FIGURE}, "seconds": 1}]}))
count = pathlib.Path("count")
count.write_text(count.read_text() + "." if count.exists() else ".")
"""


def a_run(folder: Path, *, loss: float = 0.5, rows: list[dict[str, Any]] = ROWS, weight: float = 1.0, right: float = 0.75) -> Path:
    for name in ("rl/rollouts", "rl/final", "reject"):
        (folder / name).mkdir(parents=True)
    metrics = {"stage": "rl", "step": 1, "loss": loss, "seconds/total": id(folder)}
    (folder / "metrics.jsonl").write_text(json.dumps(metrics) + "\n")
    pq.write_table(pa.Table.from_pylist(rows), folder / "rl" / "rollouts" / "step-000001.parquet")
    (folder / "reject" / "data.jsonl").write_text(json.dumps({"prompt": "1+1", "answer": "2"}) + "\n")
    save_file({"a": torch.tensor([2.0, weight])}, folder / "rl" / "final" / "model.safetensors")
    stage = {"name": "rl", "seconds": id(folder), "weights": str(folder), "eval": {"pass@1": right}}
    (folder / "summary.json").write_text(json.dumps({"seconds": id(folder), "stages": [stage]}))
    return folder


def test_equal_runs_are_equal_whatever_time_they_took(tmp_path: Path) -> None:
    found = compare_runs(a_run(tmp_path / "old"), a_run(tmp_path / "new"))
    assert (found.files, found.difference, found.missing) == (5, None, frozenset())


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"loss": 0.25}, "metrics.jsonl: line 1, rl step 1: loss 0.5 in OLD, 0.25 in NEW"),
        (
            {"rows": [ROWS[0], ROWS[1] | {"logprobs": [-1.5]}]},
            "rl/rollouts/step-000001.parquet: row [1] logprobs [0] -1.0 in OLD, -1.5 in NEW",
        ),
        ({"rows": ROWS[:1]}, "rl/rollouts/step-000001.parquet: row [1] only in OLD: {'problem_id': 'b', 'logprobs': [-1.0]}"),
        ({"weight": 1.5}, "rl/final/model.safetensors: a[1] 1.0 in OLD, 1.5 in NEW (1 of 2 elements differ)"),
        ({"right": 0.5}, "summary.json: stages [0] eval pass@1 0.75 in OLD, 0.5 in NEW"),
        ({"loss": 0.25, "weight": 1.5}, "metrics.jsonl: line 1, rl step 1: loss 0.5 in OLD, 0.25 in NEW"),
    ],
)
def test_the_first_difference_is_named(change: dict[str, Any], difference: str, tmp_path: Path) -> None:
    assert compare_runs(a_run(tmp_path / "old"), a_run(tmp_path / "new", **change)).difference == difference


def test_a_file_that_one_side_lacks_is_a_difference(tmp_path: Path) -> None:
    old, new = a_run(tmp_path / "old"), a_run(tmp_path / "new")
    (new / "reject" / "data.jsonl").unlink()
    assert compare_runs(old, new).difference == "reject/data.jsonl: only in OLD"
    assert compare_runs(tmp_path / "a", tmp_path / "b").difference == "summary.json: in neither"


def test_a_column_that_one_side_lacks_is_named_and_not_compared(tmp_path: Path) -> None:
    wider = [row | {"mask": 1} for row in ROWS]
    found = compare_runs(a_run(tmp_path / "old"), a_run(tmp_path / "new", rows=wider))
    assert (found.difference, found.missing) == (None, {"mask only in NEW"})


def test_values_are_compared_to_the_bit() -> None:
    nan = float("nan")
    assert first_difference([nan, {"a": 1, "b": 2}], [nan, {"b": 2, "a": 1}]) is None
    assert first_difference({"a": 0.0}, {"a": -0.0}) == "a 0.0 in OLD, -0.0 in NEW"
    assert first_difference({"a": 1}, {"a": 1.0}) == "a 1 in OLD, 1.0 in NEW"
    assert first_difference({}, {"a": 1}) == "a only in NEW: 1"


def test_tensors_are_compared_to_the_bit() -> None:
    a = torch.tensor([[1.0, float("nan")], [0.0, 3.0]])
    signed = torch.tensor([[1.0, float("nan")], [-0.0, -3.0]])
    assert tensor_difference({"a": a, "one": torch.tensor(1)}, {"a": a.clone(), "one": torch.tensor(1)}) is None
    assert tensor_difference({"a": a}, {"a": signed}) == "a[2] 0.0 in OLD, -0.0 in NEW (2 of 4 elements differ)"
    assert tensor_difference({"a": a}, {"a": a.half()}) == "a torch.float32 [2, 2] in OLD, torch.float16 [2, 2] in NEW"
    assert tensor_difference({"a": a}, {"a": a, "b": a}) == "b only in NEW"


def checkout(folder: Path, figure: float) -> Path:
    (folder / "r1lite").mkdir(parents=True)
    (folder / "r1lite" / "__init__.py").touch()
    (folder / "r1lite" / "train.py").write_text(FAKE.replace("FIGURE", str(figure)))
    return folder


def test_each_side_runs_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, same, new = (checkout(tmp_path / name, figure) for name, figure in (("old", 0.5), ("same", 0.5), ("new", 0.25)))
    monkeypatch.setattr(same_results, "commit_of", lambda _: "commit")
    options = ["--only", "demo", "--keep", str(tmp_path / "keep")]
    same_results.main([str(old), str(same), *options])
    assert capsys.readouterr().out.splitlines()[-1] == "| demo | equal (files: 1) |"
    with pytest.raises(SystemExit, match="1 of 1 cases differ"):
        same_results.main([str(old), str(new), *options])
    assert capsys.readouterr().out.splitlines()[-1] == "| demo | summary.json: stages [0] eval pass@1 0.5 in OLD, 0.25 in NEW |"
    assert [(side / "count").read_text() for side in (old, same, new)] == [".", ".", "."]  # OLD ran once, and was then read
    same_results.main([str(old), str(same), *options, "--threads", "2"])  # not what was kept, so it runs again
    assert (old / "count").read_text() == ".."


def test_a_run_that_fails_equals_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old = checkout(tmp_path / "old", 0.5)
    (old / "r1lite" / "train.py").write_text("raise SystemExit(3)")
    with pytest.raises(SystemExit, match="1 of 1 cases differ"):
        same_results.main([str(old), str(old), "--only", "demo"])
    assert "OLD failed: " in capsys.readouterr().out


def test_every_preset_is_a_case() -> None:
    found = same_results.cases(HOME, quick=False)
    assert {path.stem for path in (HOME / "conf" / "algorithm").glob("*.yaml")} <= {*found}
    assert {name for name in found if "evaluate.every_stage=false" not in found[name]} == {"demo", "r1_zero"}
    assert [*same_results.cases(HOME, quick=True)][-2:] == ["demo, quick", "r1_zero, quick"]
