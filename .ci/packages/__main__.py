"""What users install: `python .ci/packages` builds it, installs it into fresh environments, and uses it there.

It needs an index of packages and takes some minutes; nothing that it makes is kept.
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
        ours = wheels.built(work)
        print("the wheel in an empty folder", flush=True)
        core = make(work / "core")
        wheels.install(core, ours)
        (work / "empty").mkdir()
        wheels.use(core, work / "empty")
        print("each extra by itself", flush=True)
        extras.check_all(core, ours, work)
        print("a rule of one's own", flush=True)  # last: it changes the environment that the extras are tried on
        wheels.use_a_rule_of_ones_own(core, work / "empty")


if __name__ == "__main__":
    main()
