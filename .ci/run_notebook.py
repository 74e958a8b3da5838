"""Runs the example notebook in a Jupyter kernel, and writes its outputs into it: `make notebook`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).resolve().parents[1] / "examples" / "train_in_a_notebook.ipynb"
SECONDS = 600  # that a cell may take on a busy machine


def executed(folder: Path) -> nbformat.NotebookNode:
    """The notebook as it is after a run in this folder, with a kernel of this Python. CellExecutionError if a cell fails."""
    notebook = nbformat.read(PATH, as_version=4)
    NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        coalesce_streams=True,
        record_timing=False,  # it would change the file with every run
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return notebook


def main() -> None:
    with TemporaryDirectory(prefix="r1lite-notebook-") as folder:
        notebook = executed(Path(folder))
    # Neither the kernel's name nor the version of Python matters to a reader.
    notebook.metadata = {"language_info": {"name": "python"}}
    nbformat.write(notebook, PATH)


if __name__ == "__main__":
    main()
