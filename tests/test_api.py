"""The Python interface, from outside: a run, its results, and what it refuses."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import r1lite
from r1lite.api import reader
from rewards import Problem, Rollout, reward, rewards

ROWS = [{"prompt": f"{a}+{b} mod 23", "answer": str((a + b) % 23)} for a in range(12) for b in range(8)]
SMALL = {
    "threads": 1,
    "rl": {"steps": 2, "prompts_per_step": 2, "group_size": 4},
    "sampler": {"max_tokens": 24},
    "evaluate": {"problems": 4, "samples": 2, "k": 2},
}
SMALL_EVALUATION = ("threads=1", "sampler.max_tokens=16", "evaluate.problems=2", "evaluate.samples=1", "evaluate.k=1")
LIMIT = 40


def brief(problem: Problem, rollout: Rollout, *, words: int = 40) -> float:
    return float(len(rollout.response.split()) <= min(words, LIMIT))


@reward("of_even_length", penalty=True)
def even(problem: Problem, rollout: Rollout) -> float:
    return -float(len(rollout.token_ids) % 2)


def train(folder: Path, *settings: str, quiet: bool = True, **more: Any) -> r1lite.RunReader:
    given = {"task": ROWS, "rewards": {"answer": 1.0, brief: 0.2, even: {"weight": 0.1}}, **more}
    return r1lite.train("experiment=r1_zero", *settings, run_dir=folder, quiet=quiet, **SMALL, **given)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[r1lite.RunReader]:
    yield train(tmp_path_factory.mktemp("api") / "run")
    for name in ("brief", "of_even_length"):
        rewards.remove(name)


def test_metrics_and_rollouts_are_tables(run: r1lite.RunReader) -> None:
    metrics, rollouts = run.metrics("rl"), run.rollouts(columns=["step", "reward", "verdicts"])
    assert list(metrics["step"]) == [1, 2]
    assert list(rollouts.groupby("step").size()) == [8, 8]
    assert {v["rule"] for v in rollouts["verdicts"][0]} == {"answer", "brief", "of_even_length"}
    assert metrics["reward/mean"][0] == pytest.approx(rollouts[rollouts["step"] == 1]["reward"].mean(), rel=1e-5)


def test_several_processes_train_as_one(run: r1lite.RunReader, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The functions come along; the leader alone prints; and what is wrong is raised here, in one process or several."""
    together = train(tmp_path / "run", "processes=2", quiet=False)
    assert list(together.rollouts("rl")["reward"]) == list(run.rollouts("rl")["reward"])
    assert capfd.readouterr().out.count("the results are in") == 1
    with pytest.raises(ValueError, match=r"seed: was 0, is now 1"):
        train(tmp_path / "run", "processes=2", seed=1)


def test_without_pandas_they_are_tables_of_arrow(run: r1lite.RunReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    tables: list[Any] = [run.metrics(), run.rollouts("rl")]
    assert [type(table) for table in tables] == [pa.Table, pa.Table]
    assert tables[0].column("step").to_pylist() == [1, 2]


def test_stages_measure_different_things() -> None:
    table = reader._columns([{"stage": "sft", "loss": 1.0}, {"stage": "rl", "reward/mean": 0.5}])
    assert table.to_pylist() == [{"stage": "sft", "loss": 1.0, "reward/mean": None}, {"stage": "rl", "loss": None, "reward/mean": 0.5}]


def test_the_model_and_the_summary(run: r1lite.RunReader) -> None:
    model, tokenizer = run.model("rl")
    question = [{"role": "user", "content": "1+1 mod 23"}]
    asked = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    said = model.generate(**asked, max_new_tokens=3)  # type: ignore
    assert said[0, : asked["input_ids"].shape[1]].tolist() == asked["input_ids"][0].tolist()
    assert [stage["name"] for stage in run.summary["stages"]] == ["base", "rl"]
    assert run.config["rl"]["steps"] == 2
    assert repr(run) == f"RunReader({str(run.folder)!r}, finished)"


def test_the_run_holds_what_it_was_given(run: r1lite.RunReader) -> None:
    assert run.config["task"]["path"] == str(run.folder / "task.jsonl")
    assert len((run.folder / "task.jsonl").read_text().splitlines()) == len(ROWS)
    assert run.config["rewards"] == {"answer": {"weight": 1.0}, "brief": {"weight": 0.2}, "of_even_length": {"weight": 0.1}}
    assert (run.folder / "rewards" / "brief.py").read_text().startswith("LIMIT = 40\n\ndef brief(")


def test_the_same_call_goes_on(run: r1lite.RunReader, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(run.folder, quiet=False).summary["stages"] == run.summary["stages"]
    assert "rl: already finished" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "more", "says"),
    [
        ((), {"task": ROWS[1:]}, r"task changed since .* was started; the earlier version is in .*/run/task\.jsonl"),
        ((), {"rewards": {"answer": 1.0, brief: 0.3, even: 0.1}}, r"rewards\.brief\.weight: was 0\.2, is now 0\.3"),
        (("rl.lr=0.5",), {}, r"rl\.lr: was .*, is now 0\.5"),
        (
            ({"seed": 1},),
            {},
            r"settings should be strings such as \"rl\.steps=20\", or a Config; got \{'seed': 1\}\. Pass problems as task=\.\.\.",
        ),
        ((), {"task": Path("rows.jsonl")}, r'task=\'rows\.jsonl\' is a file: write "task=dataset", "task\.path=rows\.jsonl"'),
        ((), {"rewards": 3}, r"rewards should be a list of rules, or a dict with their weights; got 3"),
        (("sed=1",), {}, r"unknown setting 'sed'\. Did you mean seed\?"),
        (
            ("rewards.format.weight=1",),
            {},
            r"rewards\.format\.weight=1 sets an option of a rule that rewards=\.\.\. does not name; add 'format'",
        ),
        ((), {"rewards": ["anwser"]}, r"unknown reward 'anwser'\. Did you mean 'answer'\?"),
        ((), {"rewards": [3]}, r"rewards should contain names of rules and functions; got 3"),
        ((), {"rewards": [lambda problem, rollout: 1.0]}, r"has no name to register it under"),
    ],
)
def test_what_a_run_refuses(settings: tuple[str, ...], more: dict[str, Any], says: str, run: r1lite.RunReader) -> None:
    with pytest.raises(ValueError, match=says):
        train(run.folder, *settings, **more)


def test_a_run_may_be_resumed_from_another_folder(run: r1lite.RunReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder.parent)
    assert repr(train(Path("run"))) == "RunReader('run', finished)"


def test_a_run_that_was_moved_can_be_resumed(run: r1lite.RunReader, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "moved"
    shutil.copytree(run.folder, moved)
    assert r1lite.open_run(moved).config["task"]["path"] == str(moved / "task.jsonl")
    assert train(moved).summary["stages"] == run.summary["stages"]
    (moved / "task.jsonl").write_text("changed\n")
    with pytest.raises(ValueError, match=r"task changed since .*/moved was started"):
        train(moved)


def test_an_interruption_says_how_to_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("r1lite.api.pipeline.train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", quiet=False)
    assert capsys.readouterr().out == f"stopped; the same call with run_dir='{tmp_path}/run' resumes from the last checkpoint\n"


@pytest.mark.parametrize("command", [["r1lite.train", "experiment=r1_zero", "run_dir=."], ["r1lite.commands.evaluate", "."]])
def test_a_command_says_which_functions_it_lacks(command: list[str], run: r1lite.RunReader) -> None:
    done = python("-m", *command, folder=run.folder)
    assert "was started from Python, with functions as rules that are not defined here: brief, of_even_length (their source" in done.stderr
    assert done.returncode == 1


def test_other_rules_evaluate_a_run_of_functions(run: r1lite.RunReader) -> None:
    done = python("-m", "r1lite.commands.evaluate", ".", "reward=dataset", *SMALL_EVALUATION, folder=run.folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(ValueError, match=r"/run cannot be a folder: .*/run is a file"):
        train(tmp_path / "run")
    with pytest.raises(ValueError, match=r"/run/in cannot be a folder: .* is a file"):
        train(tmp_path / "run" / "in", task="arithmetic")


def test_a_column_that_rollouts_lack(run: r1lite.RunReader) -> None:
    with pytest.raises(ValueError, match=r"unknown column 'stepp'\. Did you mean 'step'"):
        run.rollouts(columns=["stepp"])


def test_a_changed_function_is_noticed(run: r1lite.RunReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "LIMIT", 41)
    with pytest.raises(
        ValueError, match=r"reward 'brief' changed since .* was started; the earlier version is in .*/run/rewards/brief\.py"
    ):
        train(run.folder)


def test_a_function_named_like_a_shipped_rule_is_refused_and_leaves_it_in_place(tmp_path: Path) -> None:
    def exact(problem: Problem, rollout: Rollout) -> float:
        return 1.0

    with pytest.raises(ValueError, match=r"reward 'exact' is defined twice: .*Rename one of them"):
        r1lite.score(["a"], rewards=[exact])
    assert r1lite.score(["a"], ["a"], rewards=["exact"], workers=0)[0].verdicts["exact"].outcome == "scored"


def test_a_quiet_call_prints_nothing(run: r1lite.RunReader, capfd: pytest.CaptureFixture[str]) -> None:
    train(run.folder)
    (entry,) = r1lite.evaluate(run, task=ROWS[:3], quiet=True, evaluate={"samples": 2, "k": 2}, threads=1)
    assert capfd.readouterr() == ("", "")
    assert entry["eval"]["problems"] == 3  # all of them are test problems


def test_scores_come_in_order_with_their_verdicts() -> None:
    well, wrong = "<think>3+4</think><answer>7</answer>", "<think>3+4</think><answer>8</answer>"
    scored = r1lite.score([wrong, well], [7, 7], rewards={"answer": 1.0, "format": 0.5}, workers=0)
    assert [(s.reward, s.right) for s in scored] == [(0.5, False), (1.5, True)]
    assert scored[1].verdicts["answer"].why == "extracted '7', expected '7'"
    (one,) = r1lite.score(["<answer>3*5+9</answer>"], columns={"target": [24], "numbers": [[3, 5, 9]]}, rewards="countdown", workers=0)
    assert one.reward == 1.0


def test_rules_that_compare_see_the_completions_of_one_prompt_together() -> None:
    texts = [f"<think>{'so ' * n}</think><answer>7</answer>" for n in (1, 9, 5)]
    scored = r1lite.score(texts, [7] * 3, prompts=["3+4"] * 3, rewards={"answer": 1.0, "length_kimi": 1.0}, workers=0)
    values = [s.verdicts["length_kimi"].value for s in scored]
    assert values == pytest.approx([0.5, -0.5, 0.0], abs=0.02)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("text", ["7"]), r"completions should be a list of texts; for a single one, pass \[text\]"),
        ((["a", "b"], ["7"]), r"answer should have one value for each of the 2 completions"),
    ],
)
def test_what_cannot_be_scored(given: tuple[Any, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        r1lite.score(*given, rewards=["answer"])


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not a run directory: it has no config\.yaml"):
        r1lite.open_run(tmp_path)
    (tmp_path / "config.yaml").touch()
    run = r1lite.open_run(tmp_path)
    with pytest.raises(ValueError, match="has not finished a stage yet"):
        _ = run.summary
    (tmp_path / "rl").mkdir()
    (tmp_path / "rl" / "begun.json").touch()
    for read in (run.metrics, run.rollouts, run.model):
        with pytest.raises(ValueError, match=r"contains no \w+ of stage 'sft'; stages that have begun: rl"):
            read("sft")


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


SCRIPT = """\
import r1lite
import r1lite.train
from r1lite.train import train

def shout(problem, rollout):
    return float(rollout.response.isupper())

print([s.reward for s in r1lite.score(["A", "a"], rewards=[shout])])
print(callable(r1lite.train), train.__module__, "open_run" in dir(r1lite))
try:
    r1lite.train("experiment=r1_zer0")
except ValueError as error:
    print(str(error).partition(" Known")[0])
"""


def test_in_a_script_without_a_guard(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = python("script.py", folder=tmp_path)
    said = ["[1.0, 0.0]", "True r1lite.api.pipeline True", "unknown experiment 'r1_zer0'. Did you mean 'r1_zero'?"]
    assert (done.stdout.splitlines(), done.stderr) == (said, "")


@pytest.mark.parametrize("module", ["train", "score"])
def test_the_modules_are_still_commands(module: str, tmp_path: Path) -> None:
    done = python("-W", "error", "-m", f"r1lite.{module}", "--help", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_names_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="module 'r1lite' has no attribute 'trian'"):
        r1lite.trian  # type: ignore  # noqa: B018
