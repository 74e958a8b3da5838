"""Checks the packages that users install: builds them, installs them into fresh environments, and uses them there.

    python .ci/packages

It needs a package index and takes some minutes. All files are temporary.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import extras
import wheels
from environments import make


def main() -> None:
    with TemporaryDirectory(prefix="r1lite-packages-") as folder:
        work = Path(folder)
        print("one wheel from the tree and from the sdist", flush=True)
        wheel = wheels.build(work)
        print("the wheel in an empty folder", flush=True)
        core = make(work / "core")
        wheels.install(core, wheel)
        (work / "empty").mkdir()
        wheels.use(core, work / "empty")
        print("each extra by itself", flush=True)
        extras.check_all(core, wheel, work)
        print("a rule in a package", flush=True)  # last, because it changes the environment that the extras are checked in
        wheels.use_new_rule(core, work / "empty")


if __name__ == "__main__":
    main()
