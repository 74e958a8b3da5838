"""The tiny pipeline end to end: contracts of the run directory, resume, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from r1lite.config import Config
from r1lite.train import train

SMALL = (
    "rl.steps=4 rl.prompts_per_step=4 rl.group_size=4 rl.checkpoint_every=2 rl.show_every=2 "
    "cold_start.steps=3 cold_start.examples=8 cold_start.batch_size=4 sft.steps=3 sft.batch_size=4 "
    "reject.prompts=24 reject.samples=4 distill.prompts=24 distill.samples=4 "
    "distill.steps=3 distill.batch_size=4 evaluate.problems=6 evaluate.samples=4 task.difficulty=easy scoring.right_at=0 threads=1"
).split()

EVERY_STEP = {
    "stage", "step", "reward/mean", "reward/std", "reward/answer", "reward/format", "zero_variance_share", "response/length_mean",
    "response/clipped_share", "entropy", "ratio/clip_share", "mismatch/kl", "grad_norm", "lr", "tokens/prompt", "tokens/completion",
    "tokens/trained", "seconds/sample", "seconds/score", "seconds/train", "seconds/sync", "seconds/total", "seconds/wait", "seconds/check",
    "parity/mean", "parity/max",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: Any) -> Path:
    from conftest import configured

    folder = tmp_path_factory.mktemp("run") / "demo"
    train(configured("experiment=demo", *SMALL, f"run_dir={folder}"))
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.slow
def test_the_summary_tells_of_every_stage(demo: Path) -> None:
    summary = json.loads((demo / "summary.json").read_text())
    assert (summary["status"], summary["seed"]) == ("finished", 0)
    assert [s["name"] for s in summary["stages"]] == ["base", "cold_start", "rl", "reject", "sft", "distill"]
    for stage in summary["stages"]:
        if stage["name"] != "reject":
            assert stage["eval"].keys() >= {"pass@1", "greedy", "pass@4", "maj@4", "length_mean", "problems"}
            assert stage["eval_hard"]["problems"] == 6
    by_name = {s["name"]: s for s in summary["stages"]}
    assert by_name["distill"]["parameters"] <= by_name["base"]["parameters"] / 3


@pytest.mark.slow
def test_every_stage_leaves_a_model_that_loads_anywhere(demo: Path) -> None:
    for stage in ("cold_start", "rl", "sft", "distill"):
        model = AutoModelForCausalLM.from_pretrained(demo / stage / "final")
        tokenizer = AutoTokenizer.from_pretrained(demo / stage / "final")
        prompt = tokenizer.apply_chat_template([{"role": "user", "content": "1+2 mod 23"}], add_generation_prompt=True, return_tensors="pt")
        assert model.generate(**prompt, max_new_tokens=4).shape[0] == 1


@pytest.mark.slow
def test_metrics_have_a_line_for_every_step(demo: Path) -> None:
    lines = [json.loads(line) for line in (demo / "metrics.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["step"]) for line in lines] == [
        *(("cold_start", i) for i in (1, 2, 3)),
        *(("rl", i) for i in (1, 2, 3, 4)),
        *(("sft", i) for i in (1, 2, 3)),
        *(("distill", i) for i in (1, 2, 3)),
    ]
    for line in lines:
        if line["stage"] == "rl":
            assert line.keys() >= EVERY_STEP - {"entropy", "ratio/clip_share", "grad_norm"}
            assert line["parity/mean"] <= line["parity/max"] < 1e-4
            assert line["mismatch/kl"] < 1e-6
            if line["tokens/trained"]:
                assert line.keys() >= EVERY_STEP


@pytest.mark.slow
def test_the_ledger_holds_every_rollout_with_its_evidence(demo: Path) -> None:
    files = sorted((demo / "rl" / "rollouts").glob("*.parquet"))
    assert [f.stem for f in files] == [f"step-{i:06d}" for i in (1, 2, 3, 4)]
    rows = [row for f in files for row in pq.read_table(f).to_pylist()]
    assert len(rows) == 4 * 4 * 4
    tokenizer = AutoTokenizer.from_pretrained(demo / "rl" / "final")
    for row in rows:
        verdicts = {v["rule"]: v for v in row["verdicts"]}
        assert row["reward"] == pytest.approx(verdicts["answer"]["value"] + 0.1 * verdicts["format"]["value"])
        assert "expected" in verdicts["answer"]["why"] or verdicts["answer"]["why"] == "no answer block"
        assert len(row["token_ids"]) == len(row["logprobs"])
        assert tokenizer.decode(row["token_ids"]).removesuffix("<|end|>") == row["response"]
    for group in {row["problem_id"] for row in rows}:
        rewards = {row["reward"] for row in rows if row["problem_id"] == group}
        assert {row["trained"] for row in rows if row["problem_id"] == group} == {len(rewards) > 1}


@pytest.mark.slow
def test_rejection_leaves_a_data_set_of_right_distinct_answers(demo: Path) -> None:
    rows = [json.loads(line) for line in (demo / "reject" / "data.jsonl").read_text().splitlines()]
    assert rows
    assert all(row.keys() >= {"prompt", "completion", "answer", "reward"} and row["reward"] >= 0.1 for row in rows)
    assert len({(row["prompt"], row["completion"]) for row in rows}) == len(rows)


@pytest.mark.slow
def test_the_same_command_again_does_nothing_twice(demo: Path, config: Callable[..., Config], capsys: Any) -> None:
    before = {p: p.stat().st_mtime_ns for p in demo.rglob("*.safetensors")}
    train(config("experiment=demo", *SMALL, f"run_dir={demo}"))
    assert {p: p.stat().st_mtime_ns for p in demo.rglob("*.safetensors")} == before
    assert capsys.readouterr().out.count("already finished") == 5


@pytest.mark.slow
def test_a_run_directory_of_another_configuration_is_refused(demo: Path, config: Callable[..., Config]) -> None:
    with pytest.raises(ValueError, match=r"was started with other settings:\n  rl.lr: was .*, is now 0.5"):
        train(config("experiment=demo", *SMALL, f"run_dir={demo}", "rl.lr=0.5"))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_however_many_score(demo: Path, config: Callable[..., Config], tmp_path: Path) -> None:
    small = ["experiment=demo", *SMALL, "evaluate.every_stage=false", "stages=[cold_start,rl]"]
    for workers in (0, 2):
        train(config(*small, f"run_dir={tmp_path / str(workers)}", f"scoring.workers={workers}"))
        assert same(weights(tmp_path / str(workers) / "rl" / "final"), weights(demo / "rl" / "final"))
    train(config(*small, f"run_dir={tmp_path / 'other'}", "seed=1"))
    assert not same(weights(tmp_path / "other" / "rl" / "final"), weights(demo / "rl" / "final"))


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(demo: Path, tmp_path: Path) -> None:
    run = tmp_path / "killed"
    command = [sys.executable, "-m", "r1lite.train", "experiment=demo", *SMALL, "stages=[cold_start,rl]", f"run_dir={run}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    wait_for(lambda: (run / "rl" / "checkpoints" / "step-000002").is_dir() and lines_of(run, "rl") >= 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (run / "rl" / "final").exists()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert same(weights(run / "rl" / "final"), weights(demo / "rl" / "final"))
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines() if '"rl"' in line]
    assert steps == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_run_killed_in_its_second_round_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "r1lite.train",
        "experiment=r1",
        *(s for s in SMALL if "cold_start" not in s),
        "evaluate.every_stage=false",
    ]
    command += "stages=[rl,reject,sft,rl_2] rl_2.steps=5 rl_2.prompts_per_step=2 scoring.workers=0 evaluate.k=4".split()
    whole, run = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*command, f"run_dir={whole}"], check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen([*command, f"run_dir={run}"], stdout=subprocess.DEVNULL, start_new_session=True)
    wait_for(lambda: (run / "rl_2" / "checkpoints" / "step-000002").is_dir() and lines_of(run, "rl_2") >= 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (run / "sft" / "done.json").exists()
    assert not (run / "rl_2" / "final").exists()
    subprocess.run([*command, f"run_dir={run}"], check=True, stdout=subprocess.DEVNULL)
    assert same(weights(run / "rl_2" / "final"), weights(whole / "rl_2" / "final"))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["stage"] == "rl_2"] == [1, 2, 3, 4, 5]
    first, second = (pq.read_table(run / name / "rollouts" / "step-000001.parquet").to_pylist() for name in ("rl", "rl_2"))
    assert (len(first), len(second), {row["stage"] for row in second}) == (16, 8, {"rl_2"})
    assert {row["prompt"] for row in first}.isdisjoint(row["prompt"] for row in second)  # a round has draws of its own


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(15_000):  # a busy machine takes its time
        if happened():
            return
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    process.kill()
    raise AssertionError("the run never came to the point where it should be killed")


def lines_of(run: Path, stage: str) -> int:
    path = run / "metrics.jsonl"
    return path.read_text().count(f'"stage": "{stage}"') if path.exists() else 0
