"""The example notebook runs in a Jupyter kernel, and its committed outputs are those of such a run."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import pytest

HOME = Path(__file__).resolve().parent.parent
PATH = HOME / "examples" / "train_in_a_notebook.ipynb"
PRIVATE = re.compile(r"(?<![\w<])/(tmp|home|root|usr|var|work|Users|private|opt)\b|site-packages|0x[0-9a-f]{6}")
SAME = ("problems = [", "responses = [")  # in cells whose outputs do not depend on the processor


@pytest.fixture(scope="module")
def committed() -> Any:
    return nbformat.read(PATH, as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after a run in a new folder, with nothing written to the user's home."""
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
            patch.setenv(name, str(folder / name.lower()))
        patch.syspath_prepend(str(HOME / ".ci"))
        return import_module("run_notebook").executed(folder)


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell(notebook: Any, text: str) -> Any:
    (found,) = [one for one in code(notebook) if text in one.source]
    return found


def printed(one: Any) -> str:
    return "".join(output.text for output in one.outputs if output.output_type == "stream")


def kinds(one: Any) -> list[tuple[str, ...]]:
    return sorted((output.output_type, output.get("name", ""), *sorted(output.get("data", ()))) for output in one.outputs)


def pass_at_1(one: Any) -> list[float]:
    """The column pass@1 of the table that a cell printed."""
    return [float(line.split("│")[3]) for line in printed(one).splitlines() if line.startswith("│")]


def test_it_was_run_once_from_top_to_bottom(committed: Any) -> None:
    assert [one.execution_count for one in code(committed)] == list(range(1, len(code(committed)) + 1))


def test_its_outputs_say_nothing_of_the_machine(committed: Any) -> None:
    outputs = str([one.outputs for one in code(committed)])
    assert PRIVATE.findall(re.sub(r"'image/png': '[^']*'", "", outputs)) == []
    assert "stderr" not in outputs
    assert set(committed.metadata) == {"language_info"}


@pytest.mark.slow
def test_it_runs_and_shows_what_is_committed(committed: Any, executed: Any) -> None:
    for before, now in zip(code(committed), code(executed), strict=True):
        assert kinds(now) == kinds(before), now.source
    for text in SAME:
        assert cell(executed, text).outputs == cell(committed, text).outputs


@pytest.mark.slow
def test_the_model_learns_in_it(executed: Any) -> None:
    for text in ("run = r1lite.train(", "results = r1lite.evaluate("):
        before, after = pass_at_1(cell(executed, text))
        assert after > before + 0.2
    assert "the results are in runs/notebook" in printed(cell(executed, "run = r1lite.train("))
    progress = [output for output in cell(executed, "run = r1lite.train(").outputs if output.output_type == "display_data"]
    assert ["20/20" in output.data["text/html"] for output in progress] == [True]
    assert printed(cell(executed, "print(response)")).count("<answer>") == 1
