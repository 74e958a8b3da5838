"""The tests that compute on a device, on this one: settings choose a GPU wherever there is one.

    python -m bench.gpu.suite [--quick]

Left out are tests that pin the CPU's own code (packed weights, compiled layers), or need no device at all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET  # of a file that pytest has just written
from collections.abc import Sequence
from pathlib import Path

from bench._common.process import HOME, OFFLINE
from bench.gpu._part import attempt, options_of, report

FILES = (
    "parity cuda_graphs engine sampling shared_prompts policy critic preferences objective_reference head batch mask optimiser adapters"
    " on_policy distill_loss rl prefetch pipeline stages checkpoint nccl"
).split()
QUICK = ("cuda_graphs", "parity")


def main(words: Sequence[str] | None = None) -> None:
    options = options_of(__doc__, words)
    files = [HOME / "tests" / f"test_{name}.py" for name in (QUICK if options.quick else FILES)]
    with attempt("tests"), tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        workers = ["-n", str(min(12, os.cpu_count() or 1)), "--dist", "loadfile"]
        command = [sys.executable, "-m", "pytest", "-q", *workers, f"--junitxml={results}", *map(str, files)]
        done = subprocess.run(command, cwd=HOME, env={**os.environ, **OFFLINE}, capture_output=True, text=True, check=False)
        if not results.is_file():
            raise ValueError(done.stdout[-1500:] + done.stderr[-1500:])
        cases = list(ET.parse(results).getroot().iter("testcase"))
        failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
        skipped = [case for case in cases if case.find("skipped") is not None]
        report("tests", run=len(cases) - len(skipped), failed=len(failed), skipped=len(skipped))
        for case in failed:
            problem = case.find("failure") if case.find("failure") is not None else case.find("error")
            text = (problem.text or "") if problem is not None else ""
            report(f"{case.get('classname')}::{case.get('name')}", failed=text[-900:])


if __name__ == "__main__":
    main()
