"""The look itself, in a process of its own: from a run's settings to facts."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from r1lite.advantage import has_signal
from r1lite.build import make_objective, make_rules, make_task, training_problems
from r1lite.config import Config
from r1lite.learning.policy import Policy
from r1lite.parallel.launch import count_of
from r1lite.preflight import memory
from r1lite.preflight.before import shown
from r1lite.preflight.facts import Example, Facts, Looked, Memory, Responses, Rule, Signal, Worst
from r1lite.preflight.findings import goes_on_after
from r1lite.preflight.hacks import try_hacks
from r1lite.preflight.rounds import Round, groups_of, still, take_rounds
from r1lite.preflight.signal import SIZES, live_shares
from r1lite.preflight.timing import time_of
from r1lite.preflight.worst import longest_prompt, run_worst, worst_samples
from r1lite.prompt import Prompter
from r1lite.sampling.ends import end_tokens
from r1lite.scoring.metrics import rewards_of
from r1lite.scoring.rules import Rules
from r1lite.settings.rounds import settings_for
from r1lite.stages.rl import Parts, open_parts
from r1lite.store.metrics import Metrics
from r1lite.store.run import Place
from r1lite.text.response import TAGS, last_answer
from r1lite.types import Scored

NAME = "preflight"  # of the stage, after which random streams are named: none of the run's own
TOO_MUCH = 1.5  # times the memory that there is: what is planned to take more is not tried
ROUNDED = 9  # digits at which two rewards are the same


def look(run: Config, stage: str, start: str, *, before: str, begin: Callable[[str], None]) -> Facts:
    """begin: is told what comes next, so that whoever waits knows it if this process is killed"""
    began = time.monotonic()
    cfg = still(copy.deepcopy(settings_for(run, stage)))
    ranks = count_of(cfg.processes, cfg.model.device)
    whole = -(-cfg.rl.prompts_per_step // ranks)
    begin("loading the model")
    with TemporaryDirectory(prefix="r1lite-preflight-") as folder:
        out = Path(folder)
        parts, _ = open_parts(cfg, Path(start), Place(name=NAME, out=out / NAME, run=out, metrics=Metrics(out / "metrics.jsonl")))
        loaded = memory.Meter(parts.policy.model.device).peak()
        with parts.scorer, parts.source:
            begin("sampling")
            rounds = take_rounds(parts, cfg, whole=whole, wanted=cfg.preflight.problems, limit=lambda step: time_limit(run, stage, step))
            sampled = memory.Meter(parts.policy.model.device).peak()
        begin("the worst step")
        prompter = Prompter(tokenizer=parts.policy.tokenizer, system=cfg.prompt.system, prefill=cfg.prompt.prefill)
        needs, worst = worst_step(parts.policy, prompter, run, stage, rounds, loaded=loaded, sampled=sampled, ranks=ranks)
        begin("trying hacks")
        task, rules = make_task(cfg), make_rules(cfg)
        groups = groups_of(rounds)
        responses = responses_of(groups, cfg.sampler.max_tokens, special_tokens(parts.policy.tokenizer))
        return Facts(
            looked=Looked(
                stage=stage, task=str(cfg.task.get("name", "")), weights=shown(start, run), before=before, problems=len(groups),
                rollouts=sum(map(len, groups)), demonstrates=hasattr(task, "demonstration"), seconds=time.monotonic() - began,
            ),
            example=example_of(groups, prompter, parts, rules),
            signal=signal_of(groups, cfg),
            responses=responses,
            rules=tuple(rule_of(name, rules, groups) for name in rules.weights),
            hacks=try_hacks(rules, cfg.scoring, task),
            memory=needs,
            worst=worst,
            time=time_of(run, stage, rounds, whole=whole, responses=responses, worst=worst),
        )  # fmt: skip


def time_limit(run: Config, stage: str, step: float) -> float:
    """Seconds for all rounds, where a whole step takes so many."""
    return max(run.preflight.seconds, run.preflight.share * step * settings_for(run, stage).rl.steps)


def worst_step(
    policy: Policy, prompter: Prompter, run: Config, stage: str, rounds: Sequence[Round], *, loaded: int, sampled: int, ranks: int
) -> tuple[Memory, Worst | None]:
    cfg = settings_for(run, stage)
    meter = memory.Meter(policy.model.device)
    available = meter.available(run.preflight.memory_gb) // (1 if meter.on_gpu else ranks)  # ranks on the CPU share a machine
    prompt, _ = longest_prompt(prompter, training_problems(cfg), cfg.prompt.max_tokens)
    plan = memory.planned(policy.model.config, cfg, stage=stage, ranks=ranks, on_gpu=meter.on_gpu, prompt=len(prompt), available=available)
    written = next((s.rollout.token_ids for r in rounds for group in r.groups for s in group if s.rollout.token_ids), ())
    if plan is not None and plan.needed > TOO_MUCH * available:
        return replace(memory_of(plan, int(plan.needed), "planned, not run", available), measured=False), None
    samples = worst_samples(prompt, written, cfg, prompts=-(-cfg.rl.prompts_per_step // ranks))
    worst = run_worst(policy, make_objective(cfg), samples, prompt=len(prompt))
    most = meter.peak()
    peak = max(most, sampled + memory.sampling_of_evaluation(plan, cfg))
    moment = "sampling" if peak > most or most == sampled else "forward, backward, optimiser"
    if not meter.on_gpu:
        peak = memory.after_many_steps(peak, loaded)
    return replace(memory_of(plan, peak, moment, available), measured_peak=most, loaded=loaded), worst


def memory_of(plan: Any, peak: int, moment: str, available: int) -> Memory:
    fits = peak <= available
    near = memory.anchored(plan, peak) if plan is not None else None
    return Memory(
        peak=peak,
        moment=moment,
        available=available,
        planned=int(plan.needed) if plan is not None else 0,
        fits=fits,
        buys=memory.buys(near, peak) if near is not None else {},
        advice=memory.advice(near) if near is not None and not fits else (),
    )


def signal_of(groups: Sequence[Sequence[Scored]], cfg: Config) -> Signal:
    rewards = [rewards_of(group) for group in groups]
    every = [reward for row in rewards for reward in row]
    of_size = tuple(sorted({*SIZES, cfg.rl.group_size}))
    return Signal(
        passes=tuple(statistics.fmean(s.right for s in group) for group in groups),
        groups=len(groups),
        live=sum(has_signal(row) for row in rewards),
        group_size=cfg.rl.group_size,
        prompts_per_step=cfg.rl.prompts_per_step,
        share=_as_words(live_shares([[round(reward, ROUNDED) for reward in row] for row in rewards], of_size)),
        share_right=_as_words(live_shares([[s.right for s in group] for group in groups], of_size)),
        best=max(every, default=0.0),
        least=min(every, default=0.0),
    )


def _as_words(shares: dict[int, float]) -> dict[str, float]:
    return {str(size): round(share, 4) for size, share in shares.items()}


def responses_of(groups: Sequence[Sequence[Scored]], limit: int, special: Sequence[str]) -> Responses:
    rollouts = [s.rollout for group in groups for s in group]
    cut = [r for r in rollouts if r.finish == "length"]
    return Responses(
        length=statistics.fmean(r.written for r in rollouts),
        longest=max(r.written for r in rollouts),
        limit=limit,
        cut_off=len(cut) / len(rollouts),
        tags=statistics.fmean(all(tag in r.response for tag in TAGS) for r in rollouts),
        answered=statistics.fmean(last_answer(r.response) is not None for r in rollouts),
        empty=statistics.fmean(not r.text.strip() for r in rollouts),
        goes_on_after=goes_on_after([r.text for r in cut], special),
    )


def special_tokens(tokenizer: Any) -> list[str]:
    """Those that a model may take for an end: not the tags of thought and answer."""
    return [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special and str(token) not in TAGS]


def rule_of(name: str, rules: Rules, groups: Sequence[Sequence[Scored]]) -> Rule:
    verdicts = [s.verdicts[name] for group in groups for s in group if rules.applies(name, s.problem)]
    values = [v.value for v in verdicts if v.value is not None]
    shares = {outcome: sum(v.outcome == outcome for v in verdicts) / max(1, len(verdicts)) for outcome in OUTCOMES}
    why = next((v.why for v in verdicts if v.outcome in ("failed", "timed_out")), "")
    return Rule(name=name, mean=statistics.fmean(values) if values else None, why=why, **shares)


OUTCOMES = ("scored", "abstained", "failed", "timed_out")


def example_of(groups: Sequence[Sequence[Scored]], prompter: Prompter, parts: Parts, rules: Rules) -> Example:
    """The first rollout."""
    s = groups[0][0]
    tokenizer = parts.policy.tokenizer
    return Example(
        prompt=prompter.text(s.problem),
        prompt_tokens=len(s.rollout.prompt_ids),
        response=s.rollout.text,
        response_tokens=len(s.rollout.token_ids),
        ended=s.rollout.finish == "stop",
        reward=s.reward,
        why=s.verdicts[rules.right_for(s.problem)].why,
        ends=tuple(str(tokenizer.decode([token])) for token in sorted(end_tokens(parts.policy.model, tokenizer))),
        has_template=bool(tokenizer.chat_template),
    )
