import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from r1lite.config import Config
from r1lite.learning.policy import Policy
from r1lite.settings.resume import flat
from r1lite.store.checkpoint import Checkpoints, Resumed
from r1lite.store.metrics import Metrics
from r1lite.store.run import Run


def test_a_run_directory_has_one_master_at_a_time(config: Callable[..., Config], tmp_path: Path) -> None:
    cfg = config(f"run_dir={tmp_path / 'run'}")
    with Run(cfg).opened(), pytest.raises(ValueError, match="another process is working in"), Run(cfg).opened():
        pass
    with Run(cfg).opened():
        pass


def test_settings_that_change_nothing_done_may_differ(config: Callable[..., Config], tmp_path: Path) -> None:
    with Run(config(f"run_dir={tmp_path}", "stages=[rl]")).opened() as run:
        run.place("rl").out.mkdir()
    with Run(config(f"run_dir={tmp_path}", "stages=[rl,reject]", "scoring.workers=2")).opened():
        pass
    memory = "rl.micro_batch_tokens=99", "sampler.max_rows=7", "sampler.cache_mb=99", "model.gradient_checkpointing=true"
    with Run(config(f"run_dir={tmp_path}", "stages=[rl,reject]", *memory)).opened():
        pass
    with pytest.raises(ValueError, match=r"rl.group_size: was 8, is now 4"), Run(config(f"run_dir={tmp_path}", "rl.group_size=4")).opened():
        pass


def test_settings_of_a_stage_are_free_until_it_has_begun(config: Callable[..., Config], tmp_path: Path) -> None:
    def opened(*settings: str) -> Run:
        with Run(config("stages=[cold_start,rl,sft]", f"run_dir={tmp_path}", *settings)).opened() as run:
            return run

    opened().place("cold_start").out.mkdir()
    opened("rl.lr=0.5", "rl.group_size=4")
    with pytest.raises(ValueError, match=rf"cold_start\.lr: .* is now 0\.5\n.*, or delete {tmp_path}/cold_start to repeat that part\."):
        opened("rl.lr=0.5", "rl.group_size=4", "cold_start.lr=0.5")
    opened("rl.lr=0.1").place("rl_2").out.mkdir()
    with pytest.raises(ValueError, match=rf"rl\.lr: was 0\.1, is now 0\.5\n.*, or delete {tmp_path}/rl_2 to repeat that part\."):
        opened("rl.lr=0.5")
    with pytest.raises(ValueError, match=r"rl\.lr: [^;]*seed: was 0, is now 1\n.*that started it\.$"):
        opened("rl.lr=0.5", "seed=1")


def test_a_moved_run_finds_what_is_inside_it(config: Callable[..., Config], tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"

    def opened(folder: Path) -> Run:
        with Run(config("stages=[rl,sft]", f"run_dir={folder}", f"data.files=[{folder}/words.txt]")).opened() as run:
            return run

    old.mkdir()
    (old / "words.txt").write_text("a b")
    opened(old).begin("sft", str(old / "rl" / "final"))
    old.rename(new)
    run = opened(new)
    assert run.record("sft", "begun.json")["start"] == str(new / "rl" / "final")
    (new / "words.txt").write_text("a b c")
    with pytest.raises(ValueError, match=r"new/words\.txt changed since"):
        opened(new)


def test_data_of_a_stage_that_has_not_begun_may_be_another_file(config: Callable[..., Config], tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl").write_text(name)
        with Run(config(f"run_dir={tmp_path / 'run'}", f"sft.data={tmp_path / name}.jsonl")).opened():
            pass
    (tmp_path / "two.jsonl").write_text("two again")
    with (
        pytest.raises(ValueError, match=r"two\.jsonl changed since"),
        Run(config(f"run_dir={tmp_path / 'run'}", f"sft.data={tmp_path}/two.jsonl")).opened(),
    ):
        pass


def test_a_finished_stage_is_known_by_the_weights_it_began_from(config: Callable[..., Config], tmp_path: Path) -> None:
    run = Run(config(f"run_dir={tmp_path / 'run'}"))
    start = tmp_path / "start"
    start.mkdir()
    (start / "model.safetensors").write_bytes(b"one")
    assert run.finished("rl", str(start)) is None
    run.begin("rl", str(start))
    run.finish("rl", str(start), run.place("rl").final, seconds=1.5)
    assert run.finished("rl", str(start)) == run.place("rl").final
    assert run.seconds("rl") == 1.5
    (start / "model.safetensors").write_bytes(b"two")
    with pytest.raises(ValueError, match=rf"weights or data of stage 'rl' in .* changed since .* delete {tmp_path}/run/rl to repeat"):
        run.finished("rl", str(start))


def test_a_stage_that_was_interrupted_goes_on_only_from_what_it_began_with(config: Callable[..., Config], tmp_path: Path) -> None:
    run = Run(config(f"run_dir={tmp_path / 'run'}", "stages=[reject,sft,dpo]"))
    start, data = tmp_path / "start", tmp_path / "run" / "reject" / "data.jsonl"
    start.mkdir()
    data.parent.mkdir(parents=True)
    data.write_text("one")
    (start / "model.safetensors").write_bytes(b"one")
    for stage in ("reject", "sft"):
        run.begin(stage, str(start))
        run.begin(stage, str(start))
    data.write_text("two")  # done over, with other settings
    run.begin("reject", str(start))
    with pytest.raises(ValueError, match=r"weights or data of stage 'sft' in .* changed since"):
        run.begin("sft", str(start))
    (start / "model.safetensors").write_bytes(b"two")
    with pytest.raises(ValueError, match=r"weights or data of stage 'reject' in .* changed since"):
        run.begin("reject", str(start))


def test_a_stage_that_only_began_leaves_its_settings_free(config: Callable[..., Config], tmp_path: Path) -> None:
    """Its model did not load, say: nothing rests on what was set."""
    run = Run(config(f"run_dir={tmp_path}", "stages=[rl]"))
    with run.opened():
        run.begin("rl", "owner/name")
    with Run(config(f"run_dir={tmp_path}", "stages=[rl]", "rl.lr=0.5")).opened():
        run.place("rl").checkpoints.mkdir()
    with pytest.raises(ValueError, match=r"rl\.lr: was 0\.5, is now 0\.1"), Run(config(f"run_dir={tmp_path}", "rl.lr=0.1")).opened():
        pass


@pytest.mark.parametrize("start", ["models/mine", "owner/name", "/somewhere/else"])
def test_a_stage_that_makes_no_weights_hands_on_those_it_began_from(start: str, config: Callable[..., Config], tmp_path: Path) -> None:
    run = Run(config(f"run_dir={tmp_path}"))
    run.begin("reject", start)
    run.finish("reject", start, Path(start), seconds=1.0)
    assert run.finished("reject", start) == Path(start)


def test_flat_names_every_leaf() -> None:
    assert flat({"a": {"b": 1, "c": [2]}, "d": None}) == {"a.b": 1, "a.c": [2], "d": None}


def test_a_resumed_stage_writes_its_later_steps_again(tmp_path: Path) -> None:
    tracker = Metrics(tmp_path / "metrics.jsonl")
    for stage, step in [("sft", 1), ("rl", 1), ("rl", 2), ("rl", 3)]:
        tracker.log(stage, step, {"loss": 1.0})
    with tracker.path.open("a") as file:
        file.write('{"stage": "rl", "st')  # a kill in the middle of a line
    tracker.begin("rl", done=1)
    lines = [json.loads(line) for line in tracker.path.read_text().splitlines()]
    assert [(line["stage"], line["step"]) for line in lines] == [("sft", 1), ("rl", 1)]


def test_what_a_stage_took_before_an_interruption_is_known(tmp_path: Path) -> None:
    tracker = Metrics(tmp_path / "metrics.jsonl")
    assert tracker.seconds("rl") == 0
    for stage, seconds in (("sft", 9.0), ("rl", 1.5), ("rl", 2.0)):
        tracker.log(stage, 1, {"seconds/total": seconds})
    with tracker.path.open("a") as file:
        file.write('{"stage": "rl", "st')
    assert tracker.seconds("rl") == 3.5


def test_checkpoints_are_whole_or_not_there(model: Any, tokenizer: Any, config: Any, tmp_path: Path, monkeypatch: Any) -> None:
    policy = Policy(model, tokenizer, config().rl, total_steps=1)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step in (1, 2, 3):
        checkpoints.save(step, policy, extra={"position": 10 * step})
    assert sorted(p.name for p in checkpoints.folder.iterdir()) == ["step-000002", "step-000003"]

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(ValueError, match=r"the disk is full: .*step-000004 could not be written"):
        checkpoints.save(4, policy)
    assert sorted(p.name for p in checkpoints.folder.iterdir()) == ["step-000002", "step-000003"]
    assert checkpoints.restore(policy) == Resumed(step=3, extra={"position": 30})
    checkpoints.clear()
    assert checkpoints.restore(policy) == Resumed()


@pytest.mark.parametrize("named", ["plugins=[{}]", "data.files=[{}]", "rewards.trl.function={}:paid", "plugins=[my_rules]"])
def test_a_rule_or_its_data_that_was_edited_since_is_said(
    named: str, config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = tmp_path / "my_rules.py"
    rule.write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    cfg = config(f"run_dir={tmp_path / 'run'}", f"++{named.format(rule)}" if "trl" in named else named.format(rule))
    with Run(cfg).opened():
        pass
    with Run(cfg).opened():
        pass
    rule.write_text("x = 2\n")
    with pytest.raises(ValueError, match=r"my_rules\.py changed since .*run was started\. Choose another run_dir="), Run(cfg).opened():
        pass
