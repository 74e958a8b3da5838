"""Checks which parts of an algorithm work together. Settings of the loss alone are checked by Objective."""

from __future__ import annotations

from r1lite.advantage import CENTERS, SCALES, WHITENINGS, check_choices
from r1lite.checks.bounds import at_least
from r1lite.checks.data import check_curriculum
from r1lite.config import AlgorithmConfig, Config
from r1lite.rl.credit import PER_TOKEN
from r1lite.rl.filters import KEEPS
from r1lite.scoring.rules import Rules

ADVANTAGES = ("group", "pass_at_k", "gdpo", "return_to_go", "gae")
CRITICS = ("none", "separate", "shared")
NARROW = 0.05  # a clip range below this is narrow for the ratio of whole sequences


def check_algorithm(a: AlgorithmConfig) -> None:
    """Raise ValueError for the first problem, with the reason."""
    check_choices(keep=(a.keep, KEEPS), advantage=(a.advantage, ADVANTAGES), center=(a.center, CENTERS), scale=(a.scale, SCALES))
    check_choices(whiten=(a.whiten, WHITENINGS), critic=(a.critic, CRITICS))
    _numbers(a)
    if a.kl == "k1":
        _refuse("kl=k1 does nothing as a loss: its expected gradient is 0 on the policy's own tokens. "
                "Subtract it from the reward with algorithm.reward_kl_coef, or set kl=k2, which has the gradient of k1's KL")  # fmt: skip
    if a.advantage in PER_TOKEN and (a.ratio in ("sequence", "sequence_sum") or a.gate == "log_clip"):
        _refuse(f"advantage={a.advantage} differs between tokens, but ratio={a.ratio} with gate={a.gate} weights whole sequences: "
                "set ratio=sequence_token, which keeps the advantage of each token")  # fmt: skip
    if (a.advantage == "gae") != (a.critic != "none"):
        _refuse(f"a critic is for advantage=gae only, which needs one: got advantage={a.advantage} with critic={a.critic}")
    if a.advantage == "pass_at_k" and a.scale not in ("none", "std"):
        _refuse(f"advantage=pass_at_k needs scale=std or scale=none, got scale={a.scale}")
    if a.scale == "signal" and not a.count_dropped:
        _refuse("scale=signal compensates for sequences without signal in the divisor, so it needs count_dropped=true")
    if a.refill_rounds and a.keep == "all":
        _refuse("keep=all drops nothing, so there is nothing to refill: set refill_rounds=0")
    if a.advantage == "gdpo" and a.reward_kl_coef:
        _refuse("advantage=gdpo normalises each rule separately, and a KL in the reward is not a rule: set reward_kl_coef=0, or use kl=k2")
    if a.scale == "mean" and a.reward_kl_coef:
        _refuse("scale=mean divides by the mean reward, which a KL in the reward can make negative: set reward_kl_coef=0")


def check_rules(cfg: Config, rules: Rules) -> None:
    """Check that the algorithm supports the options of the rules."""
    a = cfg.algorithm
    if a.advantage == "gdpo" and rules.gates:
        gates = ", ".join(f"rewards.{name}.gate" for name in sorted(rules.gates))
        raise ValueError(f"algorithm.advantage=gdpo normalises each rule separately, so no rule can be required: unset {gates}")
    if rules.by_span:
        spans = f"rewards.{min(rules.by_span)}.credit=spans"
        if a.advantage != "group":
            raise ValueError(f"{spans} needs algorithm.advantage=group, got {a.advantage}: no other one separates the rules of a reward")
        if a.ratio in ("sequence", "sequence_sum") or a.gate == "log_clip":
            _refuse(f"ratio={a.ratio} with gate={a.gate} weights whole sequences, but {spans} makes the advantage differ "
                    "between tokens: set ratio=sequence_token, which keeps the advantage of each token")  # fmt: skip
        if cfg.rl.shuffle_rewards:
            raise ValueError(f"{spans} refers to tokens of one response, but rl.shuffle_rewards pays another one: unset one of the two")


def check_rl(name: str, cfg: Config) -> list[str]:
    """Check the settings of stage rl, and whether they fit the algorithm. Returns notices."""
    settings, a = cfg.rl, cfg.algorithm
    at_least(name, settings, steps=1, prompts_per_step=1, updates_per_step=1, epochs=1, group_size=1)
    check_curriculum(settings.curriculum)
    # If nothing is compared within the group (PPO, REINFORCE++), one response per prompt is enough.
    compares = a.center != "none" or a.keep != "all"
    if settings.group_size < 2 and compares:
        raise ValueError(
            f"{name}.group_size must be at least 2, got {settings.group_size}: a rollout is compared with the others of its group"
        )
    if a.advantage == "pass_at_k" and a.pass_k > settings.group_size:
        raise ValueError(f"algorithm.pass_k={a.pass_k} is more than {name}.group_size={settings.group_size}")
    if settings.asynchronous:
        check_asynchronous(name, cfg)
    return check_lag(settings.lag, a, most=None if settings.asynchronous else 1)


def check_asynchronous(name: str, cfg: Config) -> None:
    sampler = cfg.sampler
    if sampler.name != "vllm_server":
        raise ValueError(f"{name}.asynchronous=true needs sampler=vllm_server; with sampler={sampler.name}, {name}.lag=1 samples ahead")
    if sampler.transfer != "disk":
        raise ValueError(f"{name}.asynchronous=true needs sampler.transfer=disk, got {sampler.transfer!r}")
    if cfg.algorithm.correction == "none":
        raise ValueError(
            f"{name}.asynchronous=true trains on tokens that earlier weights sampled, which algorithm.correction must make up for: "
            "set algorithm.correction=truncate (or mask)"
        )


def check_lag(lag: int, a: AlgorithmConfig, *, most: int | None = 1) -> list[str]:
    """Raise ValueError if rollouts of an earlier policy would be trained on as if they were new. Returns notices."""
    if lag < 0 or (most is not None and lag > most):
        raise ValueError(f"rl.lag must be 0 or 1, got {lag}{'; more needs rl.asynchronous=true' if lag > 1 else ''}")
    if not lag or a.correction != "none":
        return []
    if a.ratio == "none":
        _refuse("ratio=none assumes that the current policy sampled every rollout, but with rl.lag=1 they are one step old: "
                "set algorithm.correction=truncate, a ratio, or rl.lag=0")  # fmt: skip
    if a.gate == "clip" and a.ratio != "token" and min(a.clip_low, a.clip_high) < NARROW:
        return [
            f"rl.lag=1: one step moves the ratio of most sequences out of the range of algorithm.clip_low={a.clip_low:g} and "
            f"clip_high={a.clip_high:g}, so many are clipped at once; algorithm.correction=truncate measures the ratio within the step"
        ]
    return []


def _numbers(a: AlgorithmConfig) -> None:
    for name in ("keep_fraction", "entropy_share"):
        if not 0 < getattr(a, name) <= 1:
            _refuse(f"{name} must be above 0 and at most 1, got {getattr(a, name)}")
    for name in ("gamma", "lam"):
        if not 0 <= getattr(a, name) <= 1:
            _refuse(f"{name} must be between 0 and 1, got {getattr(a, name)}")
    for name in ("reward_kl_coef", "eps", "value_clip", "refill_rounds", "reference_every"):
        if not getattr(a, name) >= 0:
            _refuse(f"{name} must be at least 0, got {getattr(a, name)}")
    for name in ("critic_lr", "value_coef", "pass_k"):
        if not getattr(a, name) > 0:
            _refuse(f"{name} must be above 0, got {getattr(a, name)}")


def _refuse(reason: str) -> None:
    raise ValueError(f"algorithm.{reason}" if not reason.startswith("a critic") else f"algorithm: {reason}")
