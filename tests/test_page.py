"""The page of a run: what is read from the run directory, and what the file may contain. A browser opens it in test_page_browser."""

import base64
import gzip
import json
import re
from pathlib import Path

import pytest
from commands import run
from run_folders import HOSTILE, add_finding, groups, rollout, stage, write_run

from r1lite.page.data import Reader, gather
from r1lite.page.document import document
from r1lite.page.folder import open_folder
from r1lite.page.lenient import ends_with
from r1lite.page.sample import LONGEST, choose, shortened
from r1lite.page.steps import Steps
from r1lite.page.verdict import held_out
from r1lite.store.ledger import Ledger
from r1lite.types import Verdict


def gathered(*folders: Path, **settings: int) -> dict:
    return gather([Reader(open_folder(folder)) for folder in folders], **settings)


def unpacked(html: str) -> list[dict]:
    text = re.search(r'<script type="application/octet-stream" id="rollouts">([^<]*)</script>', html)
    assert text
    return json.loads(gzip.decompress(base64.b64decode(text[1])))


def test_a_command_writes_one_file_that_holds_the_run(tmp_path: Path) -> None:
    write_run(tmp_path / "demo")
    done = run("report", "demo", "output=page.html", cwd=tmp_path)
    assert (done.code, done.output) == (0, "page.html (0.1 MB)\n")
    html = (tmp_path / "page.html").read_text()
    (table,) = unpacked(html)
    assert len(table["text"]) == 24
    assert html.count("<script") == 3
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html


def test_the_page_forbids_all_but_its_own_script_and_style(tmp_path: Path) -> None:
    html = document(*gathered(write_run(tmp_path / "demo")).values())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert "connect-src 'none'" in policy[1]
    assert "trusted-types 'none'" in policy[1]
    assert "style=" not in html.partition("<body>")[2].partition("<script")[0]


def test_hostile_text_is_never_part_of_the_markup(tmp_path: Path) -> None:
    folder = write_run(tmp_path / HOSTILE[1].replace("/", "_"))
    hostile = [[rollout(text, problem=text, index=0, answer=Verdict(value=0.0, why=text, outcome="scored"))] for text in HOSTILE]
    Ledger(folder / "rl" / "rollouts", "rl").write(4, hostile)
    for text in HOSTILE:
        add_finding(folder, name=text, title=text, meaning=text, overrides=[text], evidence={text: 1.0})
    html = document(*gathered(folder).values())
    assert html.count("<script") == 3
    assert html.count("</script") == 3
    assert "<img" not in html
    (table,) = unpacked(html)
    assert HOSTILE[0] in table["text"]


def test_long_texts_keep_their_beginning_and_their_end() -> None:
    text = shortened("a" * 90_000 + "the end")
    assert (len(text.text), text.missing, text.text[-8:]) == (LONGEST, 90_007 - LONGEST, "athe end")
    assert text.moved([[0, 5], [90_000, 90_007], [20_000, 20_010]]) == [[0, 5], [LONGEST - 7, LONGEST]]
    assert shortened("short").moved([[1, 2]]) == [[1, 2]]


def test_groups_are_all_right_mixed_all_wrong_or_without_a_verdict(tmp_path: Path) -> None:
    failed = {"answer": Verdict(value=None, outcome="failed", why="it raised")}
    rows = [
        [rollout("a", right=True), rollout("b", index=1, right=True)],
        [rollout("a", right=True), rollout("b", index=1, right=False)],
        [rollout("a", right=False), rollout("b", index=1, right=False)],
        [rollout("a", right=False, **failed), rollout("b", index=1, right=False, **failed)],
    ]
    Ledger(tmp_path, "rl").write(1, rows)
    (step,) = Steps().read([tmp_path / "step-000001.parquet"], [])
    assert step.band() == {"right": 0.25, "mixed": 0.25, "wrong": 0.25, "unjudged": 0.25}
    assert step.strict == 0.5
    assert step.outcomes == {"answer": {"failed": 0.25}}


def test_a_file_that_has_not_changed_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(tmp_path / "demo")
    files, steps = open_folder(folder).ledgers()["rl"], Steps()
    before = [*steps.read(files, [])]
    monkeypatch.setattr("r1lite.page.steps.read_step", lambda file: pytest.fail(f"{file} was read again"))
    assert [*steps.read(files, [])] == before


@pytest.mark.parametrize(
    ("tail", "answer", "is_there"),
    [
        ("<answer>42</answer>", "42", True),
        ("so it is 42.", "42", True),
        ("42 is wrong, it is 41", "42", False),
        ("so 1,234.50", "1234.5", True),
        ("it is 1/2", "0.5", True),
        ("The capital is Paris.", "Paris", True),
        ("The capital of Paris is not", "Paris", False),
        ("", "42", False),
    ],
)
def test_the_lenient_reading(tail: str, answer: str, is_there: bool) -> None:
    assert ends_with(tail, answer) is is_there


def test_the_sample_is_of_whole_groups_spread_over_the_steps(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo", steps=4, problems=[f"p{i}" for i in range(8)])
    read = {"rl": [*Steps().read(open_folder(folder).ledgers()["rl"], [])]}
    chosen = choose(read, rollouts=32)
    assert [one.step.step for one in chosen] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert len(choose(read)) == 32
    assert len(choose(read, characters=1)) == 1


def test_groups_with_failed_verdicts_are_chosen_first(tmp_path: Path) -> None:
    rows = groups([f"p{i}" for i in range(9)], 2)
    rows[7] = [rollout("a", problem="p7", index=i, answer=Verdict(value=None, outcome="timed_out")) for i in range(4)]
    Ledger(tmp_path, "rl").write(1, rows)
    chosen = choose({"rl": [*Steps().read([tmp_path / "step-000001.parquet"], [])]}, rollouts=4)
    assert [one.group.problem for one in chosen] == ["p7"]


def test_the_verdict_names_the_gain_or_that_there_is_none() -> None:
    assert held_out([stage("base", 0.2), stage("rl", 0.8)]) == [
        "Pass@1 on 100 held-out problems rose from 20.0% (the base model) to 80.0% (reinforcement learning)."
    ]
    assert held_out([stage("base", 0.5), stage("rl", 0.55)])[0].startswith("No clear change on 100 held-out problems")


def test_findings_begin_and_end(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo")
    add_finding(folder)
    add_finding(folder, weight="error", name="hanging_rule", step=1)
    add_finding(folder, event="ends", step=3)
    found = gathered(folder)["overview"]["runs"][0]["findings"]
    assert [(one["name"], one["since"], one["until"]) for one in found] == [("hanging_rule", 1, None), ("all_wrong", 1, 3)]


def test_settings_that_differ_from_their_defaults_come_first(tmp_path: Path) -> None:
    rows = gathered(write_run(tmp_path / "demo"))["overview"]["runs"][0]["settings"]
    assert ["rl.steps", "9", "40", True] in rows[:3]


@pytest.mark.parametrize(
    ("break_it", "note"),
    [
        (lambda folder: (folder / "metrics.jsonl").unlink(), "no step has been logged in metrics.jsonl: there are no curves"),
        (lambda folder: (folder / "summary.json").write_text("{"), "summary.json cannot be read (JSONDecodeError)"),
        (lambda folder: (folder / "config.yaml").write_text("a: [\n"), "config.yaml cannot be read (ParserError)"),
        (
            lambda folder: (folder / "rl/rollouts/step-000002.parquet").write_bytes(
                (folder / "rl/rollouts/step-000002.parquet").read_bytes()[:500]
            ),
            "rl/rollouts/step-000002.parquet cannot be read and is left out",
        ),
        (lambda folder: [f.unlink() for f in folder.glob("rl/rollouts/*")], "the run directory holds no rollouts"),
        (lambda folder: (folder / "metrics.jsonl").open("a").write("[]\n{}\n"), "metrics.jsonl: 1 lines are no JSON objects"),
        (
            lambda folder: (folder / "metrics.jsonl").open("a").write('{"stage": "rl", "step": 4, "grad_norm": NaN}\n'),
            "rl: grad_norm is no finite number in 1 steps, first in step 4",
        ),
    ],
)
def test_what_can_be_shown_is_shown_with_a_line_about_the_rest(break_it: object, note: str, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo")
    break_it(folder)  # pyright: ignore
    made = gathered(folder)
    assert [line for line in made["overview"]["runs"][0]["notes"] if line.startswith(note)]
    assert document(*made.values()).count("<script") == 3


def test_runs_of_different_tasks_are_shown_with_a_warning(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / "a"), write_run(tmp_path / "b", name="countdown", shuffled=True)]
    overview = gathered(*folders)["overview"]
    assert overview["notes"] == ["the runs have different tasks (arithmetic, countdown): their curves cannot be compared"]
    assert [run["control"] for run in overview["runs"]] == [False, True]


NO_RUN = "runs is no run directory: it has none of config.yaml, metrics.jsonl and summary.json; it contains runs: demo"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rnus",), "there is no folder rnus"),
        (("runs",), NO_RUN),
        (("file",), "file is a file; a run is a folder, the one that run_dir= named"),
        (("runs/demo", "output=runs"), "output must be a file, and runs is a folder: output=runs/report.html"),
        (("runs/demo", "rollouts=many"), "rollouts must be a number, got 'many'"),
        (("output=a.html",), "name a run directory: r1lite report runs/demo"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "demo")
    (tmp_path / "file").write_text("")
    done = run("report", *words, cwd=tmp_path)
    assert (done.code, done.output) == (1, f"error: {message}\n")


def test_stages_are_in_the_order_of_the_settings_also_in_a_copy(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo")
    settings = json.loads((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(json.dumps(settings | {"stages": ["sft", "rl"]}))
    (folder / "sft").mkdir()
    (folder / "sft" / "begun.json").write_text('{"start": "base"}')  # later than that of rl
    run = gathered(folder)["overview"]["runs"][0]
    assert [one["stage"] for one in run["lineage"]] == [one["name"] for one in run["stages"]] == ["sft", "rl"]
