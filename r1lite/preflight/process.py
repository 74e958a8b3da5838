"""A preflight in a process of its own, so that nothing of it reaches the run: random streams, weights, memory, compiled kernels.

It may also be killed for its memory, which is then what the preflight has found.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from r1lite.config import Config
from r1lite.parallel import launch
from r1lite.preflight.facts import Finding

PROGRAM = "import sys; sys.path[:] = {path!r}; from r1lite.preflight.process import in_child; in_child()"
OF_RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")
CALL, RESULT, DOING, LOG = "call", "result.json", "doing", "log"  # files


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a preflight says. `facts` is empty if it could not look."""

    facts: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    lines: tuple[str, ...] = ()
    error: str = ""  # why it could not look, in words for the user

    @property
    def refusals(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.refuses]

    def fields(self) -> dict[str, Any]:
        """As they go from one process to the other."""
        return {"facts": self.facts, "findings": [asdict(f) for f in self.findings], "lines": list(self.lines), "error": self.error}

    def as_json(self) -> dict[str, Any]:
        return {**self.facts, "findings": [asdict(f) for f in self.findings], "refused": bool(self.refusals)}


def preflight(cfg: Config, stage: str, start: str, *, before: str = "", checked: bool = True) -> Result:
    """Look at a stage that starts from these weights.

    before: an earlier stage, if `start` has the weights before it
    checked: whether the settings have been checked
    """
    if cfg.parallel.shard > 1:
        return Result(error="one process cannot look at sharded weights (parallel.shard); `r1lite plan` computes their memory")
    try:
        call = pickle.dumps(_call(cfg) | {"stage": stage, "start": start, "before": before, "checked": checked})
    except Exception as error:  # whatever an object of the user's rules raises
        return Result(error=str(error))
    with TemporaryDirectory(prefix="r1lite-preflight-") as name:
        folder = Path(name)
        (folder / CALL).write_bytes(call)
        with _child(folder, _threads(cfg)) as child:
            code = child.wait()
        return _read(folder / RESULT) if (folder / RESULT).is_file() else lost(code, folder)


def _call(cfg: Config) -> dict[str, Any]:
    """The configuration without sections of plugins' stages, whose class is of this process alone; and rules that are functions."""
    from r1lite.build import make_rules
    from r1lite.scoring.functions import pickled

    plain = Config(**{f.name: getattr(cfg, f.name) for f in fields(Config)})
    return {"cfg": plain, "functions": pickled(make_rules(cfg).functions)}


def _threads(cfg: Config) -> dict[str, str]:
    """As many of torch's threads as one of several ranks has."""
    ranks = int(cfg.processes) if cfg.processes.isdigit() else 1
    return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // ranks))} if ranks > 1 else {}


@contextmanager
def _child(folder: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The process. It ends with this one, and with what is done inside the context."""
    here = {name: value for name, value in os.environ.items() if name not in OF_RANKS}
    environment = settings | here | {launch.LAUNCHER: str(os.getpid())}
    command = [sys.executable, "-c", PROGRAM.format(path=sys.path), str(folder)]
    with (folder / LOG).open("wb") as log:
        child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def _read(path: Path) -> Result:
    found = json.loads(path.read_text(encoding="utf-8"))
    findings = tuple(Finding(**{**f, "overrides": tuple(f["overrides"])}) for f in found["findings"])
    return Result(facts=found["facts"], findings=findings, lines=tuple(found["lines"]), error=found["error"])


def lost(code: int, folder: Path) -> Result:
    """The process left no result: it was killed, for its memory as a rule, or something went wrong that is not the user's."""
    doing = (folder / DOING).read_text() if (folder / DOING).is_file() else "starting"
    log = (folder / LOG).read_text(errors="replace").strip()
    if code == -signal.SIGKILL:
        return out_of_memory(doing)
    return Result(error=f"it ended with code {code} while {doing}: {log[-2000:]}")


def out_of_memory(doing: str) -> Result:
    finding = Finding(
        name="does_not_fit",
        says=f"the memory of this machine did not suffice for {doing}",
        overrides=("rl.micro_batch_tokens=2048", "sampler.cache_mb=1024", "model.gradient_checkpointing=true"),
        refuses=True,
    )
    from r1lite.preflight.screen import said

    return Result(findings=(finding,), lines=tuple(said(finding)))


def in_child() -> None:
    launch.end_with_launcher()
    folder = Path(sys.argv[1])
    with suppress(OSError):  # the kernel takes this process before any other, if memory runs out
        Path("/proc/self/oom_score_adj").write_text("1000")
    call = pickle.loads((folder / CALL).read_bytes())
    result = in_this_process(call, begin=lambda doing: (folder / DOING).write_text(doing))
    (folder / f"{RESULT}.part").write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")
    (folder / f"{RESULT}.part").rename(folder / RESULT)


def in_this_process(call: dict[str, Any], *, begin: Callable[[str], object]) -> dict[str, Any]:
    """Prepare as a run does, and look."""
    from r1lite.checks.run import check
    from r1lite.models.prepare import prepare_torch
    from r1lite.registry import load_plugins
    from r1lite.scoring.functions import register
    from r1lite.settings.stages import with_sections

    cfg: Config = call["cfg"]
    register(call["functions"])
    prepare_torch(cfg)
    try:
        load_plugins(cfg.plugins)
        cfg = with_sections(cfg, [*cfg.stages, *cfg.rounds])
        if not call["checked"]:
            check(cfg)
    except ValueError as error:
        return Result(error=str(error)).fields()
    return looked(cfg, call["stage"], call["start"], before=call["before"], begin=begin)


def looked(cfg: Config, stage: str, start: str, *, before: str = "", begin: Callable[[str], object]) -> dict[str, Any]:
    """The fields of a Result, as JSON. A look that fails says why."""
    from r1lite.preflight.findings import findings
    from r1lite.preflight.look import look
    from r1lite.preflight.memory import is_out_of_memory
    from r1lite.preflight.screen import screen

    doing = [""]

    def note(what: str) -> None:
        doing[0] = what
        begin(what)

    try:
        facts = look(cfg, stage, start, before=before, begin=note)
    except Exception as error:
        if is_out_of_memory(error):
            return out_of_memory(doing[0]).fields()
        return Result(error=str(error) if isinstance(error, ValueError) else traceback.format_exc()[-3000:]).fields()
    found = tuple(findings(facts, max_failed_share=cfg.scoring.max_failed_share))
    return Result(facts=asdict(facts), findings=found, lines=tuple(screen(facts, found))).fields()
