"""Score the rollouts that a run was trained on again, with other rules or weights, before anyone trains again.

    r1lite rescore RUN rewards='{math: {weight: 1}, format: {weight: 0.2}}' [stage=rl] [examples=5] [format=json]
    r1lite rescore RUN rewards.format.weight=0.5 [reward=GROUP] [plugins=[./rules.py]] [scoring.right_rule=...]

Says how many rollouts turn from wrong to correct or back, with examples; how many groups lose or gain the signal that they
are trained on; and how the advantages correlate. `rewards={...}` replaces the run's rewards, rewards.RULE.NAME=VALUE changes
one of them. The run is not changed. The rollouts are those of the old rules: new ones would lead to others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1lite.commands import _shell

if TYPE_CHECKING:
    from r1lite.audit.rescoring import Comparison, Flip, Groups
    from r1lite.config import Config
    from r1lite.types import Problem, Scored

OWN = {"stage": "rl", "examples": "5", "format": "text"}
WIDTH = 200  # characters of a response in an example


def main() -> None:
    _shell.run(_rescore, help=__doc__)


def _rescore(arguments: Sequence[str]) -> None:
    from r1lite.console import say

    own = OWN | {a.partition("=")[0]: a.partition("=")[2] for a in arguments if a.partition("=")[0] in OWN and "=" in a}
    if own["format"] not in ("text", "json") or not own["examples"].isdigit():
        raise ValueError(f"format must be text or json, and examples a number; got {own['format']!r} and {own['examples']!r}")
    rest = [a for a in arguments if a.partition("=")[0] not in OWN]
    runs = [a for a in rest if "=" not in a and not a.startswith(("~", "-"))]
    if len(runs) != 1:
        raise ValueError("name one run: r1lite rescore RUN rewards=...")
    if not (Path(runs[0]).expanduser() / "config.yaml").is_file():
        raise ValueError(f"{runs[0]} is not a run directory: it has no config.yaml")
    cfg = _configuration(runs[0], [a for a in rest if a not in runs])
    comparison = compare(Path(runs[0]).expanduser(), own["stage"], cfg)
    if own["format"] == "json":
        print(json.dumps(as_json(comparison), indent=1))
    else:
        say("\n".join(in_words(comparison, int(own["examples"]))))


def _configuration(run: str, settings: Sequence[str]) -> Config:
    """The run's settings, with the typed ones in their place."""
    import yaml

    from r1lite.commands.evaluate import configured
    from r1lite.settings import command_line

    own, settings = command_line.own_folder(settings)
    whole = [s for s in settings if s.startswith("rewards=")]
    removed = [s.removeprefix("~rewards.") for s in settings if s.startswith("~rewards.")]
    cfg = configured([s for s in settings if not s.startswith(("rewards=", "~rewards."))], [run], own)
    if whole:
        cfg.rewards = yaml.safe_load(whole[-1].partition("=")[2])
        if not isinstance(cfg.rewards, dict):
            raise ValueError(f"rewards should name rules, such as rewards='{{math: {{weight: 1}}}}', got {whole[-1]!r}")
    cfg.rewards = {name: options for name, options in cfg.rewards.items() if name not in removed}
    return cfg


def compare(run: Path, stage: str, cfg: Config) -> Comparison:
    """Score all steps that the stage's ledger has."""
    from r1lite.audit.rescoring import Comparison, rescored
    from r1lite.build import make_rules, make_task
    from r1lite.console import Progress
    from r1lite.registry import load_plugins
    from r1lite.scoring.scorer import Scorer

    files = sorted((run / stage / "rollouts").glob("step-*.parquet"))
    if not files:
        kept = ", ".join(sorted({path.parent.parent.name for path in run.glob("*/rollouts/step-*.parquet")})) or "none"
        raise ValueError(f"{run} has no rollouts of stage {stage!r}. Stages with rollouts: {kept}")
    load_plugins(cfg.plugins)
    problems = {problem.id: problem for problem in make_task(cfg).problems("train")}
    comparison = Comparison(**_normalisation(run))
    # Nothing is trained on these verdicts, so a rule that fails is only counted.
    with Scorer(make_rules(cfg), replace(cfg.scoring, max_failed_share=1.0)) as scorer, Progress("rescore", len(files)) as progress:
        for step, before, after in rescored(scorer, _steps(files, problems)):
            comparison.add(step, before, after)
            progress.advance({"flips": len(comparison.flips)})
    return comparison


def _normalisation(run: Path) -> dict[str, Any]:
    """How the run turns the rewards of a group into advantages. What spans groups is left out."""
    from r1lite.store.config_file import read_config

    algorithm = read_config(run).get("algorithm", {})
    own = {name: algorithm[name] for name in ("center", "scale", "eps") if name in algorithm}
    return own | ({"scale": "std"} if own.get("scale") == "batch" else {})


def _steps(files: Sequence[Path], problems: dict[str, Problem]) -> Iterator[tuple[int, Groups]]:
    """The ledger's groups. Rules may read columns of a problem that only the task has."""
    from r1lite.store.ledger import Ledger

    for file in files:
        step = int(file.stem.rpartition("-")[2])
        groups = Ledger(file.parent, "rescore").read(step) or []
        yield step, [[replace(s, problem=problems.get(s.problem.id, s.problem)) for s in group] for group in groups]


def in_words(c: Comparison, examples: int) -> list[str]:
    """The comparison, a line each, and some flips."""
    up = [flip for flip in c.flips if flip.after.right]
    down = [flip for flip in c.flips if not flip.after.right]
    correlation = c.correlation()
    lines = [
        f"{c.rollouts:,} rollouts in {c.groups:,} groups, scored again",
        f"correct: {c.correct[0]:,} before, {c.correct[1]:,} after; {len(up):,} turn from wrong to correct, {len(down):,} back",
        *(f"rule {name}: another value for {count:,} rollouts" for name, count in c.changed.most_common()),
        f"mean reward: {_mean(c.rewards[0])} before, {_mean(c.rewards[1])} after",
        f"groups with signal: {c.signal[True, True] + c.signal[True, False]:,} before, {c.signal[True, True] + c.signal[False, True]:,} "
        f"after; {c.signal[True, False]:,} die, {c.signal[False, True]:,} come alive",
        "advantages: one of the two is constant"
        if correlation is None
        else f"advantages: correlation {correlation:.3f}; {c.turned():.1%} of those that are not 0 change their sign",
    ]
    if c.unjudged:
        lines.append(f"{c.unjudged:,} rollouts got no verdict: a rule failed or timed out")
    chosen = [flip for pair in zip([*up, *[None] * len(down)], [*down, *[None] * len(up)], strict=True) for flip in pair if flip]
    return lines + [line for flip in chosen[:examples] for line in _example(flip)]


def _example(flip: Flip) -> Iterator[str]:
    problem, after = flip.before.problem, flip.after
    prompt = problem.prompt if isinstance(problem.prompt, str) else problem.prompt[-1]["content"]
    yield f"\nstep {flip.step}, {problem.id}: {'wrong -> correct' if after.right else 'correct -> wrong'}"
    yield f"  | {_cut(prompt)}\n  | {_cut(after.rollout.response)}"
    yield f"  before {flip.before.reward:.3g}  ({_reasons(flip.before)})\n  after  {after.reward:.3g}  ({_reasons(after)})"


def _reasons(scored: Scored) -> str:
    return _cut("; ".join(f"{name}: {verdict.why or verdict.value}" for name, verdict in scored.verdicts.items()))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH // 2]} … {text[-WIDTH // 2 :]}"


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.4g}" if values else "none"


def as_json(c: Comparison) -> dict[str, Any]:
    flips = [
        {"step": f.step, "problem": f.before.problem.id, "index": f.before.rollout.index, "correct": [f.before.right, f.after.right]}
        for f in c.flips
    ]
    return {
        "rollouts": c.rollouts,
        "groups": c.groups,
        "correct": c.correct,
        "flips": flips,
        "changed": dict(c.changed),
        "reward_mean": [sum(values) / len(values) if values else None for values in c.rewards],
        "signal": {"kept": c.signal[True, True], "die": c.signal[True, False], "come_alive": c.signal[False, True]},
        "advantages": {"correlation": c.correlation(), "turned": c.turned()},
        "unjudged": c.unjudged,
    }


if __name__ == "__main__":
    main()
