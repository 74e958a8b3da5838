"""The look at a run before it starts: what it finds, what it refuses, and that it changes nothing."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from r1lite.config import Config
from r1lite.models.pretrained import locate
from r1lite.preflight.before import first_rl, is_due, starting_weights
from r1lite.preflight.look import memory_of
from r1lite.preflight.memory import after_many_steps, planned
from r1lite.preflight.process import Result, looked, lost, out_of_memory, preflight
from r1lite.preflight.signal import histogram, live_shares, most_likely_live, size_for
from r1lite.train import train

SMALL = (
    "stages=[rl] rl.steps=2 rl.prompts_per_step=4 rl.group_size=4 rl.show_every=0 sampler.max_tokens=12 evaluate.every_stage=false "
    "scoring.workers=0 threads=1 preflight.problems=4 preflight.seconds=1 preflight.share=1"
).split()


def drawn(rates: list[float], samples: int, seed: int) -> list[list[bool]]:
    draw = random.Random(seed)
    return [[draw.random() < rate for _ in range(samples)] for rate in rates]


@pytest.mark.parametrize(
    "rates", [[0.05] * 40, [0.5] * 40, [0.0] * 20 + [1.0] * 20, [i / 40 for i in range(40)]], ids=["hard", "half", "split", "even"]
)
def test_the_share_of_live_groups_is_estimated_at_every_size(rates: list[float]) -> None:
    estimates = [live_shares(drawn(rates, 8, seed)) for seed in range(8)]
    for size in (2, 8, 32):
        truth = sum(1 - p**size - (1 - p) ** size for p in rates) / len(rates)
        assert sum(estimate[size] for estimate in estimates) / 8 == pytest.approx(truth, abs=0.06)


def test_live_shares_rise_with_the_group_and_count_every_value() -> None:
    shares = list(live_shares([[0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]]).values())
    assert shares == sorted(shares)
    assert live_shares([[0.1 * i for i in range(4)]])[4] > live_shares([[0, 0, 1, 1]])[4]
    assert set(live_shares([[0, 0], [0, 0]]).values()) == {0.0}


def test_the_group_size_that_is_enough() -> None:
    assert size_for({2: 0.1, 4: 0.3, 8: 0.5, 16: 0.8}) == 8
    assert size_for({2: 0.1, 32: 0.3}) is None
    assert most_likely_live(300, 1) == pytest.approx(0.01)
    assert most_likely_live(2, 8) == 1.0


def test_the_histogram_keeps_never_and_always_apart() -> None:
    counts = histogram([0, 0.01, 0.25, 0.26, 0.75, 0.99, 1])
    assert counts == {"0": 1, "to 1/4": 2, "to 1/2": 1, "to 3/4": 1, "below 1": 1, "1": 1}


def test_a_run_learns_the_same_with_a_look_and_without(config: Callable[..., Config], tmp_path: Path, capsys: Any) -> None:
    for name, enabled in (("with", "true"), ("without", "false")):
        train(config(*SMALL, f"preflight.enabled={enabled}", "scoring.right_at=0", f"run_dir={tmp_path / name}"))
    a, b = (load_file(tmp_path / name / "rl" / "final" / "model.safetensors") for name in ("with", "without"))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)
    found = json.loads((tmp_path / "with" / "preflight.json").read_text())
    assert (found["looked"]["stage"], found["looked"]["rollouts"] >= 16, found["refused"]) == ("rl", True, False)
    assert not (tmp_path / "without" / "preflight.json").exists()
    out = capsys.readouterr().out
    assert out.count("group size") == 1
    assert len(out[out.index("preflight of rl:") : out.index("rl: 2 steps")].splitlines()) <= 40


def test_a_look_is_due_once_in_a_run_that_is_long_enough(config: Callable[..., Config]) -> None:
    assert is_due(config("experiment=demo"))
    assert not is_due(config("experiment=demo", "preflight.enabled=false"))
    assert not is_due(config("experiment=demo", "rl.steps=4", "rl.prompts_per_step=4"))
    assert not is_due(config("experiment=demo", "sampler=vllm"))
    assert not is_due(config("experiment=demo", "rl.replay=runs/other/rl/rollouts"))
    assert first_rl(config("stages=[cold_start,rl,reject,sft,rl_2]")) == "rl"


def test_weights_that_an_earlier_stage_would_change_are_named(config: Callable[..., Config], tmp_path: Path) -> None:
    there = f"run_dir={tmp_path}"
    assert starting_weights(config("stages=[rl]", there), "rl")[1] == ""
    assert starting_weights(config("stages=[cold_start,rl]", there), "rl")[1] == "cold_start"
    assert starting_weights(config("stages=[cold_start,rl]", "rl.start=base", there), "rl")[1] == ""
    assert starting_weights(config("stages=[reject,rl]", there), "rl")[1] == ""
    with pytest.raises(ValueError, match="stage rl starts from the model that stage pretrain makes, which has not run"):
        starting_weights(config("stages=[pretrain,rl]", there), "rl")


# Runs that cannot work, and the finding that refuses each.
TINY = (
    "stages=[rl] rl.prompts_per_step=4 rl.group_size=4 sampler.max_tokens=24 evaluate.every_stage=false scoring.workers=0 threads=1 "
    "preflight.problems=16 preflight.seconds=5"
).split()


def look_at(config: Callable[..., Config], *settings: str, before: str = "") -> dict[str, Any]:
    cfg = config(*TINY, *settings)
    found = looked(cfg, "rl", locate(cfg.model.path), before=before, begin=lambda _: None)
    assert found["error"] == ""
    return found


def refusals(found: dict[str, Any]) -> dict[str, list[str]]:
    return {finding["name"]: list(finding["overrides"]) for finding in found["findings"] if finding["refuses"]}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A copy of the tiny base, to break."""
    shutil.copytree(locate("tiny_base"), tmp_path / "base")
    return tmp_path / "base"


def rows(folder: Path, answer: Callable[[int], Any]) -> list[str]:
    lines = [json.dumps({"prompt": f"{i}+{i + 1} mod 23", "answer": answer(i)}) for i in range(40)]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    return ["task=dataset", f"task.path={folder / 'rows.jsonl'}", "++task.splits.test=train"]


def test_a_run_that_can_work_is_not_refused(config: Callable[..., Config]) -> None:
    found = look_at(config)
    assert refusals(found) == {}
    facts = found["facts"]
    assert facts["example"]["prompt"].startswith("<|user|>")
    assert facts["worst"]["response"] == 24
    assert set(facts["signal"]["share"]) == {"2", "4", "8", "16", "32"}
    assert facts["memory"]["peak"] > 10**8
    assert facts["time"]["step_at_most"] >= facts["time"]["step"] > 0


def test_responses_that_are_all_cut_off_are_refused(config: Callable[..., Config]) -> None:
    found = look_at(config, "sampler.max_tokens=3")
    assert refusals(found)["never_ends"] == ["sampler.max_tokens=12"]
    assert any(line.startswith("REFUSED     none of ") for line in found["lines"])
    assert "            try: sampler.max_tokens=12" in found["lines"]


def test_an_end_token_that_is_not_the_models_is_refused(config: Callable[..., Config], base: Path) -> None:
    for name, change in (("tokenizer_config.json", {"eos_token": "<|user|>"}), ("generation_config.json", {"eos_token_id": None})):
        (base / name).write_text(json.dumps(json.loads((base / name).read_text()) | change))
    assert refusals(look_at(config, f"model.path={base}"))["never_ends"] == ["sampler.stop=['<|end|>']"]


def test_a_lost_template_is_refused(config: Callable[..., Config], base: Path) -> None:
    (base / "chat_template.jinja").unlink()
    found = look_at(config, f"model.path={base}")
    assert "no_signal" in refusals(found)
    assert "plain_template" in {finding["name"] for finding in found["findings"]}


def test_answers_of_other_questions_are_refused(config: Callable[..., Config], tmp_path: Path) -> None:
    assert refusals(look_at(config, *rows(tmp_path, lambda i: f"p-{i}"))) == {"never_right": []}


def test_rewards_that_nobody_earns_are_refused_unless_a_cold_start_comes_before(config: Callable[..., Config]) -> None:
    gate = "++rewards.format.gate=true"
    assert refusals(look_at(config, gate)) == {"no_signal": ["stages=[cold_start,rl]"]}
    found = look_at(config, gate, before="cold_start")
    assert refusals(found) == {}
    assert "no_signal" in {finding["name"] for finding in found["findings"]}
    assert "cold_start has not run" in " ".join(found["lines"])


def test_a_rule_that_fails_on_real_responses_is_refused(config: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from rewards import reward\n\n@reward\ndef fragile(problem, rollout):\n    return 1.0 / rollout.text.count('<answer>')\n"
    )
    settings = [f"plugins=[{tmp_path / 'own.py'}]", "++rewards.fragile.weight=1", "scoring.right_rule=answer"]
    found = look_at(config, *settings, "sampler.max_tokens=1", "scoring.max_failed_share=0.05", "sampler.temperature=3")
    assert "rule_fails" in refusals(found)
    assert "ZeroDivisionError" in " ".join(found["lines"])


def test_a_worst_step_that_does_not_fit_is_refused(config: Callable[..., Config]) -> None:
    found = look_at(config, "preflight.memory_gb=0.1")
    assert refusals(found) == {"does_not_fit": []}
    assert "no setting suffices" in found["findings"][0]["says"]


def test_settings_that_save_enough_memory_are_advised(config: Callable[..., Config]) -> None:
    cfg, shape = config("experiment=r1_zero"), json.loads((Path(locate("tiny_base")) / "config.json").read_text())
    plan = planned(SimpleNamespace(**shape), cfg, stage="rl", ranks=1, on_gpu=False, prompt=34, available=980_000_000)
    assert plan is not None
    tight = memory_of(plan, 1_000_000_000, "sampling", 980_000_000)
    assert not tight.fits
    assert tight.advice
    assert all(added < 0 for added in tight.buys.values())
    assert memory_of(plan, 1_000_000_000, "sampling", 2_000_000_000).fits
    assert after_many_steps(1500, 500) == 2000


def test_a_look_that_was_killed_says_what_it_was_doing(tmp_path: Path) -> None:
    (tmp_path / "doing").write_text("the worst step")
    (tmp_path / "log").write_text("Traceback ...")
    killed = lost(-9, tmp_path)
    assert [finding.says for finding in killed.refusals] == ["the memory of this machine did not suffice for the worst step"]
    assert killed.refusals[0].overrides[0] == "rl.micro_batch_tokens=2048"
    assert lost(1, tmp_path).error == "it ended with code 1 while the worst step: Traceback ..."


def test_sharded_weights_are_left_to_the_plan(config: Callable[..., Config]) -> None:
    cfg = config("experiment=demo", "parallel.shard=2", "processes=2")
    assert "r1lite plan" in preflight(cfg, "rl", "tiny_base").error
    assert not is_due(cfg)


def test_a_run_that_is_refused_has_begun_nothing(config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r1lite.preflight.before.preflight", lambda cfg, stage, start: out_of_memory("sampling"))
    with pytest.raises(ValueError, match=r"stage rl cannot work: the memory of this machine did not suffice for sampling. Try rl\.micro_b"):
        train(config(*SMALL, f"run_dir={tmp_path / 'run'}"))
    assert not (tmp_path / "run" / "rl").exists()
    assert json.loads((tmp_path / "run" / "preflight.json").read_text())["refused"]
    monkeypatch.setattr("r1lite.preflight.before.preflight", lambda cfg, stage, start: Result(error="no rules"))
    train(config(*SMALL, f"run_dir={tmp_path / 'run'}"))  # a look that is not possible stops nothing
    assert (tmp_path / "run" / "rl" / "final").is_dir()
