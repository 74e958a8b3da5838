"""What a user may type wrong, and what is said of it."""

from pathlib import Path

import pytest
from hydra.errors import HydraException

from r1lite.settings.command_line import understood
from r1lite.settings.compose import configuration


def said_of(*arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        understood(arguments)
    return str(ended.value)


EVERY_LR = "Did you mean cold_start.lr or distill.lr or dpo.lr or pretrain.lr or reward_model.lr or rl.lr?"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        # names
        ("rl.lrr=3", "unknown setting 'rl.lrr'. Did you mean rl.lr?"),
        ("algorithm.clip_hi=0.3", "unknown setting 'algorithm.clip_hi'. Did you mean algorithm.clip_high?"),
        ("rl.num_generations=4", "unknown setting 'rl.num_generations'. Did you mean rl.group_size?"),
        ("num_generations=4", "unknown setting 'num_generations'. Did you mean rl.group_size?"),
        ("n_samples_per_prompt=4", "unknown setting 'n_samples_per_prompt'. Did you mean rl.group_size?"),
        ("rl.max_completion_length=4", "unknown setting 'rl.max_completion_length'. Did you mean sampler.max_tokens?"),
        ("data.max_prompt_length=4", "unknown setting 'data.max_prompt_length'. Did you mean prompt.max_tokens?"),
        ("epsilon_high=0.3", "unknown setting 'epsilon_high'. Did you mean algorithm.clip_high?"),
        ("num_iterations=2", "unknown setting 'num_iterations'. Did you mean rl.epochs?"),
        ("rl.learning_rate=4", "unknown setting 'rl.learning_rate'. Did you mean rl.lr?"),
        ("lr=3", f"unknown setting 'lr'. {EVERY_LR}"),
        ("group_size=4", "unknown setting 'group_size'. Did you mean rl.group_size?"),
        ("tasks=countdown", "unknown setting 'tasks'. Did you mean task?"),
        ("sed=3", "unknown setting 'sed'. Did you mean seed?"),
        ("xyzzyxyzzy=3", "unknown setting 'xyzzyxyzzy'. `python -m r1lite.train --help` lists them."),
        # Hydra's plus sign makes no name good
        ("+rl.lrr=3", "unknown setting 'rl.lrr'. Did you mean rl.lr?"),
        ("++rl.lrr=3", "unknown setting 'rl.lrr'. Did you mean rl.lr?"),
        # groups
        ("task=countdwn", "unknown task 'countdwn'. Did you mean 'countdown'? Known: arithmetic, "),
        ("experiment=dmo", "unknown experiment 'dmo'. Did you mean 'demo'? Known: "),
        ("reward=countdwn", "unknown reward 'countdwn'. Did you mean 'countdown'? Known: arithmetic, "),
        ("algorithm=grop", "unknown algorithm 'grop'. Did you mean 'grpo'? Known: "),
        ("model=owner/name", "unknown model 'owner/name'. Known: "),
        ("stage=rl", "unknown setting 'stage'. Did you mean stages?"),
        # values
        ("rl.lr=abc", "rl.lr should be a number, got abc"),
        ("rl.lr=", "rl.lr should be a number, got ''"),
        ("rl.steps=1.5", "rl.steps should be a whole number, got 1.5"),
        ("seed=abc", "seed should be a whole number, got abc"),
        ("rl.shuffle_rewards=maybe", "rl.shuffle_rewards should be true or false, got maybe"),
        ("stages=rl", "stages should be a list, such as [a, b], got rl"),
        ("rl.lr=null", "rl.lr needs a value, got null"),
        ("rl=3", "rl is a section: set its entries, each by its full name, got 3"),
        ("~rl.lr", "rl.lr cannot be removed"),
        ("rl.lr=[1", "rl.lr=[1 cannot be parsed: no viable alternative at input '[1'. Quote it"),
        # no setting at all
        ("--learning-rate 3", f"settings are written without dashes, as name=value. {EVERY_LR}"),
        ("--lr=3", f"settings are written without dashes, as name=value. {EVERY_LR}"),
        ("--output_dir runs/a", "settings are written without dashes, as name=value. Did you mean run_dir?"),
        ("--model_name_or_path tiny", "settings are written without dashes, as name=value. Did you mean model.path?"),
        ("lr 3", f"'lr' is not a setting. Settings are written as name=value. {EVERY_LR}"),
        ("demo", "'demo' is not a setting. Settings are written as name=value. "),
    ],
)
def test_what_makes_no_sense_is_said_with_what_was_meant(typed: str, says: str) -> None:
    assert said_of(*typed.split()).startswith(f"error: {says}")


def test_a_model_that_is_no_choice_may_be_a_path() -> None:
    assert said_of("model=owner/name").endswith("For a folder or a hub name, write model.path=owner/name.")


def test_the_wrong_one_of_several_is_named() -> None:
    assert said_of("experiment=demo", "seed=1", "rl.stps=3", "rl.lr=1e-4") == "error: unknown setting 'rl.stps'. Did you mean rl.steps?"
    assert said_of("seed=1", "rl.steps=2", "rl.lr=1e-x") == "error: rl.lr should be a number, got 1e-x"
    assert said_of("rl.lr=1", "rl.lr=x").endswith("got x")


def test_what_makes_sense_is_passed_on() -> None:
    typed = ["experiment=demo", "task=countdown", "seed=3", "stages=[rl]", "rl.lr=1e-4", "model.path=owner/name", "hydra.job.chdir=true"]
    assert understood(typed) == typed
    assert understood([]) == []
    assert understood(["--help"]) == ["--help"]
    assert understood(["--cfg", "job", "--resolve", "seed=1"]) == ["--cfg", "job", "--resolve", "seed=1"]


def test_options_of_rules_and_tasks_may_be_new() -> None:
    typed = ["rewards.mine.weight=1", "task.modulus=7", "pretrain.corpus.mine=0.5", "seed=1"]
    assert understood(typed) == ["++rewards.mine.weight=1", "++task.modulus=7", "++pretrain.corpus.mine=0.5", "seed=1"]
    assert understood(["~rewards.format"]) == ["~rewards.format"]
    assert configuration(understood(["rewards={mine: {weight: 1}}"])).rewards["mine"] == {"weight": 1}


def test_settings_of_the_users_own_folder_are_checked_as_well() -> None:
    own = ("--config-dir", str(Path(__file__).parent.parent / "examples" / "matchmaker" / "conf"))
    assert understood([*own, "experiment=matchmaker", "rl.steps=3"]) == [*own, "experiment=matchmaker", "rl.steps=3"]
    assert said_of(*own, "experiment=matchmaker", "rl.stps=3") == "error: unknown setting 'rl.stps'. Did you mean rl.steps?"
    assert "unknown experiment 'matchmaked'. Did you mean 'matchmaker'?" in said_of(*own, "experiment=matchmaked")
    assert "--config-dir not_there: there is no such folder" in said_of("--config-dir=not_there", "experiment=matchmaker")


def test_hydra_of_the_users_own_program_is_neither_used_nor_changed(tmp_path: Path) -> None:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    (tmp_path / "config.yaml").write_text("theirs: 1\n")
    with initialize_config_dir(version_base="1.3", config_dir=str(tmp_path)):
        assert configuration(["rl.steps=3"]).rl.steps == 3
        assert compose("config") == {"theirs": 1}
    assert not GlobalHydra.instance().is_initialized()
    with pytest.raises(HydraException):
        configuration(["rl.lrr=3"])
    assert not GlobalHydra.instance().is_initialized()
    assert configuration(["rl.steps=3"]).rl.steps == 3
