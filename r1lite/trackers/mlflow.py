"""MLflow, in an SQLite file (RUN/trackers/mlflow/mlflow.db), or on the server that MLFLOW_TRACKING_URI names."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from r1lite.trackers import tracker
from r1lite.trackers._place import folder_of, is_new, remembered
from r1lite.trackers._rows import Row

LONGEST, AT_ONCE = 500, 100  # characters of a parameter; parameters in one call


class MLflow:
    def __init__(self, entities: Any, client: Any, run_id: str) -> None:
        self.entities, self.client, self.run_id, self.status = entities, client, run_id, "FINISHED"

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        now, metric = int(time.time() * 1000), self.entities.Metric
        self.client.log_batch(self.run_id, metrics=[metric(f"{stage}/{name}", value, now, step) for name, value in metrics.items()])

    def alert(self, finding: Mapping[str, Any]) -> None:
        """As a tag, since MLflow has no alerts."""
        text = f"{finding['event']} at step {finding['step']}: {finding['weight']}: {finding['title']}"
        self.client.set_tag(self.run_id, f"finding/{finding['stage']}/{finding['name']}", text)

    def rollouts(self, stage: str, step: int, rows: Sequence[Row]) -> None:
        table = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}  # the format of MLflow's own tables
        self.client.log_text(self.run_id, json.dumps(table), f"rollouts/{stage}-{step:06d}.json")

    def fail(self) -> None:
        self.status = "FAILED"

    def close(self) -> None:
        self.client.set_terminated(self.run_id, self.status)


@tracker("mlflow", needs="mlflow")
def mlflow(run_dir: Path, settings: Mapping[str, Any]) -> MLflow:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    server, folder = os.environ.get("MLFLOW_TRACKING_URI"), folder_of(run_dir, "mlflow")
    library, entities = import_module("mlflow"), import_module("mlflow.entities")
    client: Any = library.MlflowClient(server or f"sqlite:///{folder}/mlflow.db")
    first = is_new(run_dir, "mlflow")

    def create() -> str:
        name = settings["experiment"]
        known = client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else client.create_experiment(name, None if server else str(folder / "artifacts"))
        return client.create_run(experiment, run_name=run_dir.name).info.run_id

    run_id = remembered(run_dir, "mlflow", create)
    if first:  # MLflow refuses another value for a parameter, such as rl.steps after a resume
        parameters = [entities.Param(name, value[:LONGEST]) for name, value in _flat(settings)]
        for i in range(0, len(parameters), AT_ONCE):
            client.log_batch(run_id, params=parameters[i : i + AT_ONCE])
    client.update_run(run_id, status="RUNNING")
    return MLflow(entities, client, run_id)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
