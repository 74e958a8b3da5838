"""Plan a run before it starts: bytes of memory on each rank, whether they fit, and seconds of a step.

    r1lite plan model.path=FOLDER gpus=8x80 [prompt_tokens=N] [format=json] [--config-dir FOLDER] [any setting of training]
    r1lite plan shape='{hidden: 4096, layers: 32, heads: 32, kv_heads: 8, intermediate: 14336, vocab: 128256}' gpus=8xh100

Reads config.json alone, no weights. gpus is 8x80 (cards of 80 GB), 8xh100, 4x8xh200 (machines of 8 cards), or cpu (this machine,
with as many ranks as `processes`). Planned are stages rl, cold_start and sft, of which the dearest is shown, with every response
sampler.max_tokens long and every prompt prompt_tokens (prompt.max_tokens, if it is not given). Where it does not fit, the settings
to change are listed, the cheapest first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from r1lite.commands import _shell
from r1lite.settings import command_line
from r1lite.settings.compose import configuration

if TYPE_CHECKING:
    from r1lite.planning.advice import Advice
    from r1lite.planning.plan import Plan

OWN = {"gpus": "cpu", "prompt_tokens": "0", "shape": "", "format": "text"}
GB = 1e9


def main() -> None:
    _shell.run(_plan, help=__doc__)


def _plan(arguments: Sequence[str]) -> None:
    from r1lite.planning.advice import advise

    folder, arguments = command_line.own_folder(arguments)
    own = OWN | {a.partition("=")[0]: a.partition("=")[2] for a in arguments if a.partition("=")[0] in OWN and "=" in a}
    settings = [a for a in arguments if a.partition("=")[0] not in OWN]
    if own["format"] not in ("text", "json"):
        raise ValueError(f"format must be text or json, got {own['format']!r}")
    made = plan_for(configuration(command_line.checked(settings, folder), folder), own)
    advice = None if made.fits else advise(made)
    if own["format"] == "json":
        print(json.dumps(as_json(made, advice), indent=1))
    else:
        show(made, advice)


def plan_for(cfg: Any, own: dict[str, str]) -> Plan:
    import yaml

    from r1lite.planning.machine import machine_of
    from r1lite.planning.plan import plan, read_shape, typed_shape

    if not own["prompt_tokens"].isdigit():
        raise ValueError(f"prompt_tokens must be a number of tokens, got {own['prompt_tokens']!r}")
    shape = typed_shape(yaml.safe_load(own["shape"])) if own["shape"] else read_shape(cfg.model.path)
    ranks = int(cfg.processes) if cfg.processes.isdigit() else 1
    return plan(shape, cfg, machine_of(own["gpus"], ranks=ranks), prompt=int(own["prompt_tokens"]))


def show(made: Plan, advice: Advice | None) -> None:
    from r1lite.console import say, show_table

    say(heading(made))
    parts = list(dict.fromkeys(part for moment in made.moments.values() for part in moment))
    rows = [[part, *(_gb(moment.get(part, 0)) for moment in made.moments.values())] for part in parts]
    show_table("", ["GB on a rank", *made.moments], [*rows, ["sum", *(_gb(sum(m.values())) for m in made.moments.values())]])
    say(verdict(made))
    times = ", ".join(f"{name} {_seconds(s)}" for name, s in made.seconds.items() if s)
    say(f"seconds of a step, if all responses are that long: {_seconds(made.seconds_of_step)} ({times})")
    if made.machine.is_gpu:
        say("These are computed from data sheets, and have not been measured on a GPU.")
    for line in advised(made, advice) if advice else ():
        say(line)


def heading(made: Plan) -> str:
    from r1lite.planning.work import decoded_rows, micro_batch, micro_batches

    job, machine, batch = made.job, made.machine, micro_batch(made.job)
    copies = "a whole copy of the weights each" if job.shard == 1 else f"{job.shard} share a copy of the weights"
    ranks = f"{job.ranks} ranks on {machine.name}, {copies}" if job.ranks > 1 else f"1 rank on {machine.name}"
    sampled = f"; {decoded_rows(job)} rows decoded at once" if job.samples and job.cfg.sampler.name == "native" else ""
    return (
        f"{job.shape.parameters / 1e6:,.0f} M parameters, stage {job.stage}, {ranks}; {micro_batches(job)} micro-batches of up to "
        f"{batch.rows} x {job.prompt} + {job.response} tokens for an update{sampled}"
    )


def verdict(made: Plan) -> str:
    moment, _ = made.peak
    beside = "the driver's context and gaps" if made.machine.is_gpu else "libraries and gaps in the heap"
    answer = "it fits" if made.fits else "it does not fit"
    return f"peak: {moment}; with {beside} {_gb(made.needed)} of {_gb(made.machine.card.memory)} GB: {answer}"


def advised(made: Plan, advice: Advice) -> list[str]:
    """The changes that make it fit, then what each of all changes does by itself."""
    words = " ".join(map(str, advice.changes))
    after = f"{_gb(advice.result.needed)} GB, {_seconds(advice.result.seconds_of_step)} s a step"
    found = "it fits with" if advice.result.fits else "none of these changes is enough; closest is"
    lines = [f"{found} {words} ({after})"]
    lines += [f"  {change}: {_gb(one.needed - made.needed)} GB alone; {change.costs}" for change, one in _strongest(advice)]
    return lines


def _strongest(advice: Advice) -> list[tuple[Any, Plan]]:
    """Of each setting the value that was chosen, or else the mildest."""
    chosen = {change.setting: change for change in advice.changes}
    first: dict[str, tuple[Any, Plan]] = {}
    for change, one in advice.alone:
        if chosen.get(change.setting, change) == change:
            first.setdefault(change.setting, (change, one))
    return list(first.values())


def as_json(made: Plan, advice: Advice | None) -> dict[str, Any]:
    changes = None if advice is None else {"changes": [str(c) for c in advice.changes], "fits": advice.result.fits}
    return {
        "stage": made.job.stage,
        "parameters": made.job.shape.parameters,
        "ranks": made.job.ranks,
        "bytes": made.moments,
        "peak": made.peak[0],
        "needed": round(made.needed),
        "available": round(made.machine.card.memory),
        "fits": made.fits,
        "seconds": made.seconds | {"step": made.seconds_of_step},
        "advice": changes,
    }


def _gb(size: float) -> str:
    return f"{size / GB:,.2f}" if abs(size) < 100 * GB else f"{size / GB:,.0f}"


def _seconds(value: float) -> str:
    return f"{value:.3g}"
