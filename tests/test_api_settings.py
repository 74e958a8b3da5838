"""Settings given in Python mean what they mean on the command line, and are refused in the same words."""

from pathlib import Path
from typing import Any

import pandas
import pytest

from r1lite.api.inputs import keep, rows_of
from r1lite.api.settings import configured, written
from r1lite.config import Config
from r1lite.settings.command_line import understood

HOME = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        ({"seed": 1, "algorithm": "gspo"}, ["seed=1", "algorithm=gspo"]),
        ({"rl": {"steps": 20, "curriculum": {"until": 0.5}}}, ["rl.steps=20", "rl.curriculum.until=0.5"]),
        ({"rl_2": {"steps": 3}}, ["rl_2.steps=3"]),
        ({"stages": ["rl", "sft"], "run_dir": Path("/tmp/a b")}, ["stages=[rl,sft]", "run_dir='/tmp/a b'"]),
        ({"rl.shuffle_rewards": True}, ["rl.shuffle_rewards=true"]),
        ({"task": {"columns": {"prompt": "the question"}}}, ["task.columns={prompt:'the question'}"]),
        ({"pretrain": {"corpus": {"countdown/easy": 1.0}}}, ["pretrain.corpus={countdown/easy:1.0}"]),
        ({"task.config": None}, ["task.config=null"]),
    ],
)
def test_keywords_are_settings(values: dict[str, Any], settings: list[str]) -> None:
    assert list(written(values)) == settings


@pytest.mark.parametrize("text", ["a b", "it's", "back\\slash", "x\\'y", "${seed}", "1", "true", "a,b=[c]", "end\\", "two\nlines", "{x}"])
def test_any_text_arrives_as_it_is(text: str) -> None:
    assert configured([], {"prompt": {"system": text}}).prompt.system == text


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("rl.stepz=3", {"rl": {"stepz": 3}}),
        ("sed=3", {"sed": 3}),
        ("learning_rate=3", {"learning_rate": 3}),
        ("rl.lr=abc", {"rl": {"lr": "abc"}}),
        ("rl.steps=1.5", {"rl.steps": 1.5}),
        ("rl=3", {"rl": 3}),
        ("algorithm=grop", {"algorithm": "grop"}),
    ],
)
def test_mistakes_are_said_as_on_the_command_line(typed: str, values: dict[str, Any]) -> None:
    with pytest.raises(SystemExit) as ended:
        understood([typed])
    for settings, keywords in (([typed], {}), ([], values)):
        with pytest.raises(ValueError, match=r".") as refused:
            configured(settings, keywords)
        assert f"error: {refused.value}" == str(ended.value)


def test_what_cannot_be_a_setting_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rl\.lr should be text, a number, .* got object"):
        configured([], {"rl": {"lr": object()}})
    with pytest.raises(ValueError, match=r"config_dir=nowhere: there is no such folder"):
        configured([], {}, "nowhere")


def test_settings_of_the_users_own_folder() -> None:
    assert configured(["experiment=matchmaker"], {}, HOME / "examples" / "matchmaker" / "conf").experiment == "matchmaker"


def test_a_config_is_taken_as_it_is_and_not_changed() -> None:
    given = Config(seed=3)
    cfg = configured([given], {"rl": {"steps": 7}, "task": {"difficulty": "hard"}})
    assert (cfg.seed, cfg.rl.steps, cfg.task["difficulty"]) == (3, 7, "hard")
    assert given == Config(seed=3)
    with pytest.raises(ValueError, match=r"unknown setting 'rl\.stepz'\. Did you mean rl\.steps\?"):
        configured([given], {"rl": {"stepz": 7}})
    with pytest.raises(ValueError, match="a Config is a whole configuration: pass no other settings"):
        configured([given, "seed=4"], {})


ROWS = [{"prompt": "1+1", "answer": "2"}, {"prompt": "“1+2”", "answer": 3}]


def test_rows_are_lines() -> None:
    lines = '{"prompt": "1+1", "answer": "2"}\n{"prompt": "“1+2”", "answer": 3}\n'
    assert rows_of(ROWS) == {"task.jsonl": lines}
    assert rows_of({"train": ROWS, "test": ROWS[:1]}) == {"task/train.jsonl": lines, "task/test.jsonl": lines.splitlines(keepends=True)[0]}
    assert rows_of("countdown") == rows_of({"difficulty": "hard"}) == rows_of(None) == {}


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (3, "task should be a list of dicts, one per problem; got 3"),
        (pandas.DataFrame(ROWS), r"for a DataFrame, pass frame\.to_dict\('records'\)"),
        ([], "task is empty: give at least one row"),
        (["1+1"], r"task should be a list of dicts, one per problem; task\[0\] is '1\+1'"),
        ([{"prompt": "1+1", "answer": {2}}], r"task\[0\] cannot be written as JSON: .*set"),
        ({"train": ROWS, "test": []}, "task has rows for train but not for test"),
    ],
)
def test_rows_that_make_no_file(task: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rows_of(task)


def test_a_run_that_has_begun_goes_on_only_with_what_it_was_given(tmp_path: Path) -> None:
    keep(tmp_path, {"task.jsonl": "one", "rewards/brief.py": "one"})
    keep(tmp_path, {"task.jsonl": "two", "rewards/brief.py": "two"})
    assert (tmp_path / "task.jsonl").read_text() == "two"
    (tmp_path / "config.yaml").touch()
    keep(tmp_path, {"task.jsonl": "two"})
    with pytest.raises(
        ValueError, match=rf"task changed since {tmp_path} was started; the earlier version is in {tmp_path}/task\.jsonl\. "
    ):
        keep(tmp_path, {"task.jsonl": "three"})
    with pytest.raises(ValueError, match=r"reward 'brief' changed since .*/rewards/brief\.py\. Choose another run_dir, or undo the change"):
        keep(tmp_path, {"rewards/brief.py": "three"})
    assert (tmp_path / "task.jsonl").read_text() == "two"
