"""The shipped trackers with their real libraries, without a network: a run that is stopped and resumed, and what is there afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tracked_run import FINDING, NAMES

from r1lite import HOME
from r1lite.store.metrics import read_metrics

NEEDED = bool(os.environ.get("R1LITE_NEEDS_TRACKERS"))  # where it is set, nothing is skipped
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NEEDED and not all(map(find_spec, NAMES)), reason="trackers are not installed: make trackers"),
]
OFFLINE = ("WANDB_MODE", "SWANLAB_MODE", "MLFLOW_TRACKING_URI", "TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
COLUMNS = ["problem", "response", "reward", "correct", "finish", "verdicts"]
TITLE = "rl: all_wrong begins at step 2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `run`: stopped after step 3, and resumed after the checkpoint of step 2, so that step 3 ran twice."""
    folder = tmp_path_factory.mktemp("tracked")
    variables = {name: value for name, value in os.environ.items() if name not in OFFLINE}
    variables |= {"TRACKIO_DIR": str(folder / "trackio"), "PYTHONPATH": str(HOME), "COLUMNS": "200"}
    for stop_after, code in ((3, 1), (0, 0)):
        command = [sys.executable, str(Path(__file__).with_name("tracked_run.py")), str(folder / "run"), str(stop_after)]
        done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert "is not used any more" not in done.stdout
    return folder


@pytest.fixture(scope="module")
def logged(folder: Path) -> list[float]:
    """reward/mean in metrics.jsonl."""
    entries = read_metrics(folder / "run" / "metrics.jsonl")
    assert [entry["step"] for entry in entries] == [1, 2, 3, 4]
    return [entry["reward/mean"] for entry in entries]


def once(values: list[tuple[int, float]]) -> list[float]:
    """The last value of each step."""
    return [value for _, value in sorted(dict(values).items())]


def test_nothing_was_sent_anywhere(folder: Path) -> None:
    assert not (folder / "run.network").exists()


def test_tensorboard(folder: Path, logged: list[float]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "run" / "trackers" / "tensorboard" / "rl"), size_guidance={"tensors": 0}).Reload()
    rewards = [(event.step, event.value) for event in events.Scalars("reward/mean")]
    assert [step for step, _ in rewards] == [1, 2, 3, 4]  # what was logged of step 3 before the resume is hidden
    assert [value for _, value in rewards] == pytest.approx(logged, rel=1e-5)
    texts = {tag: [event.tensor_proto.string_val[0].decode() for event in events.Tensors(f"{tag}/text_summary")] for tag in (
        "settings", "findings", "rollouts"
    )}  # fmt: skip
    assert '"group_size": 4' in texts["settings"][0]
    assert texts["findings"][0].startswith("**warning: nothing is right** (all_wrong begins)")
    assert len(texts["rollouts"]) == 2
    assert texts["rollouts"][1].count("response:") == 8


def test_mlflow(folder: Path, logged: list[float]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/run/trackers/mlflow/mlflow.db")
    (experiment,) = [one for one in client.search_experiments() if one.name == "recipe"]
    (run,) = client.search_runs([experiment.experiment_id])
    values = [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, "rl/reward/mean")]
    assert once(values) == pytest.approx(logged, rel=1e-5)
    assert (run.data.params["rl.group_size"], run.info.status) == ("4", "FINISHED")
    assert run.data.tags["finding/rl/all_wrong"] == "begins at step 2: warning: nothing is right"
    table = json.loads(Path(client.download_artifacts(run.info.run_id, "rollouts/rl-000004.json")).read_text())
    assert (table["columns"], len(table["data"])) == (COLUMNS, 8)


def records_of_wandb(file: Path) -> Iterator[Any]:
    """The records of a .wandb file: LevelDB's log format, after a header of seven bytes."""
    from wandb.proto import wandb_internal_pb2

    data, at, whole = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        whole, at = whole + data[at + 7 : at + 7 + length], at + 7 + length
        if kind in (1, 4):  # the whole record, or its last part
            yield wandb_internal_pb2.Record.FromString(whole)
            whole = b""


def test_wandb(folder: Path, logged: list[float]) -> None:
    files = sorted((folder / "run" / "trackers" / "wandb" / "wandb").glob("offline-run-*/*.wandb"))
    records = [record for file in files for record in records_of_wandb(file)]
    runs = [record.run for record in records if record.WhichOneof("record_type") == "run"]
    assert len(runs) == 2
    assert {(run.run_id, run.project) for run in runs} == {(runs[0].run_id, "recipe")}  # one run there, which goes on
    assert any(update.key == "rl" and json.loads(update.value_json)["group_size"] == 4 for update in runs[0].config.update)
    rows = [
        {"/".join([item.key, *item.nested_key]).strip("/"): json.loads(item.value_json) for item in record.history.item}
        for record in records
        if record.WhichOneof("record_type") == "history"
    ]
    values = [(row["rl/step"], row["rl/reward/mean"]) for row in rows if "rl/reward/mean" in row]
    assert once(values) == pytest.approx(logged, rel=1e-5)
    assert [row["rl/step"] for row in rows if "rl/rollouts/_type" in row] == [2, 4]
    assert [record.exit.exit_code for record in records if record.WhichOneof("record_type") == "exit"] == [1, 0]
    (alert,) = [record.alert for record in records if record.WhichOneof("record_type") == "alert"]
    assert (alert.title, alert.level) == (TITLE, "WARN")
    assert FINDING["overrides"][0] in alert.text


def test_trackio(folder: Path, logged: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import json; from trackio.sqlite_storage import SQLiteStorage as S; (run,) = S.get_runs('recipe'); "
        "print(json.dumps([S.get_logs('recipe', run), S.get_run_config('recipe', run), S.get_alerts('recipe')]))"
    )  # in a process of its own, since the library reads its folder when it is imported
    variables = os.environ | {"TRACKIO_DIR": str(folder / "trackio")}
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
    logs, settings, alerts = json.loads(done.stdout.splitlines()[-1])
    assert once([(row["step"], row["rl/reward/mean"]) for row in logs if "rl/reward/mean" in row]) == pytest.approx(logged, rel=1e-5)
    assert settings["rl"]["group_size"] == 4
    assert [(alert["title"], alert["level"], alert["step"]) for alert in alerts] == [(TITLE, "warn", 2)]
    tables = [row["rl/rollouts"]["_value"] for row in logs if "rl/rollouts" in row]
    assert [[*table[0]] for table in tables] == [COLUMNS, COLUMNS]


def test_swanlab(folder: Path, logged: list[float]) -> None:
    from swanlab.proto.swanlab.record.v1.record_pb2 import Record
    from swanlab.proto.swanlab.run.v1.run_pb2 import RunState
    from swanlab.sdk.internal.core_python.store import DataStoreReader

    files = sorted((folder / "run" / "trackers" / "swanlab").glob("run-*/*.swanlab"))
    assert len({file.name for file in files}) == 1  # one run there, which goes on
    records = []
    for file in files:
        reader = DataStoreReader()
        reader.open(file)
        records += [Record.FromString(data) for data in reader]
        reader.close()
    scalars = [record.scalar for record in records if record.HasField("scalar") and record.scalar.key == "rl/reward/mean"]
    assert once([(scalar.step, scalar.value.number) for scalar in scalars]) == pytest.approx(logged, rel=1e-5)
    texts = [(record.media.key, record.media.step, len(record.media.value.items)) for record in records if record.HasField("media")]
    assert texts == [("rl/findings", 2, 1), ("rl/rollouts", 2, 8), ("rl/rollouts", 4, 8)]
    written = "".join(path.read_text() for file in files for path in sorted((file.parent / "media" / "text").iterdir()))
    assert written.count("response: ") >= 8  # equal texts are one file
    assert "all_wrong begins: nothing is right" in written
    assert "group_size" in (files[0].parent / "files" / "config.yaml").read_text()
    states = [record.finish.state for record in records if record.HasField("finish")]
    assert states == [RunState.RUN_STATE_CRASHED, RunState.RUN_STATE_FINISHED]
