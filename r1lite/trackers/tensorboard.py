"""TensorBoard event files in RUN/trackers/tensorboard, with one TensorBoard run for each stage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.trackers import tracker
from r1lite.trackers._place import folder_of
from r1lite.trackers._rows import Row

FLUSH_SECONDS = 10


class TensorBoard:
    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder, self.settings = folder, settings
        self.writers: dict[str, Any] = {}

    def begin(self, stage: str, done: int) -> None:
        """TensorBoard then hides what was logged of later steps before a resume."""
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(self.folder / stage), purge_step=done + 1, flush_secs=FLUSH_SECONDS)
        writer.add_text("settings", _code(json.dumps(self.settings, indent=1, default=str)), done)
        self.writers[stage] = writer

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._of(stage).add_scalar(name, value, step)

    def alert(self, finding: Mapping[str, Any]) -> None:
        text = f"**{finding['weight']}: {finding['title']}** ({finding['name']} {finding['event']})\n\n{finding['meaning']}"
        self._of(finding["stage"]).add_text("findings", text, finding["step"])

    def rollouts(self, stage: str, step: int, rows: Sequence[Row]) -> None:
        text = "\n\n---\n\n".join("".join(f"{name}:\n\n{_code(str(value))}\n" for name, value in row.items()) for row in rows)
        self._of(stage).add_text("rollouts", text, step)

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()

    def _of(self, stage: str) -> Any:
        if stage not in self.writers:
            self.begin(stage, 0)
        return self.writers[stage]


def _code(text: str) -> str:
    """Markdown that shows the text as it is: a model may have written markup."""
    return "".join(f"    {line}\n" for line in text.splitlines())


@tracker("tensorboard", needs="tensorboard")
def tensorboard(run_dir: Path, settings: Mapping[str, Any]) -> TensorBoard:
    return TensorBoard(folder_of(run_dir, "tensorboard"), settings)
