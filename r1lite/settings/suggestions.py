"""What the user meant: every setting by name, the nearest to what was typed, and Hydra's complaints in plain words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from r1lite.config import CONF

# Settings whose keys belong to rules and tasks: they may be new, and are checked against signatures later.
OPEN = ("rewards", "task", "pretrain.corpus", "teacher.extra", "rounds")
# What other trainers call a setting.
ELSEWHERE = {
    "learning_rate": "lr",
    "output_dir": "run_dir",
    "model_name_or_path": "model.path",
    "max_new_tokens": "sampler.max_tokens",
    "max_completion_length": "sampler.max_tokens",
    "max_response_length": "sampler.max_tokens",
    "generate_max_len": "sampler.max_tokens",
    "max_prompt_length": "prompt.max_tokens",
    "prompt_max_len": "prompt.max_tokens",
    "num_generations": "group_size",
    "n_samples_per_prompt": "group_size",
    "rollout_batch_size": "prompts_per_step",
    "train_batch_size": "prompts_per_step",
    "num_iterations": "rl.epochs",
    "ppo_epochs": "rl.epochs",
    "epsilon": "clip_low",
    "epsilon_low": "clip_low",
    "epsilon_high": "clip_high",
    "eps_clip": "clip_low",
    "per_device_train_batch_size": "micro_batch_tokens",
    "reward_funcs": "rewards",
    "max_steps": "steps",
    "beta": "kl_coef",
}
# What the configuration says of a value that does not fit, and what that means.
WANTED = {
    "converted to Integer": "should be a whole number",
    "converted to Float": "should be a number",
    "not a valid bool": "should be true or false",
    "not a ListConfig": "should be a list, such as [a, b]",
    "not Optional": "needs a value",
    "not a subclass": "is a section: set what is in it, each by its full name",
    "not support deletion": "cannot be taken away",
}


def translated(error: Exception, settings: Sequence[str], own: Path | None) -> str:
    """Hydra's message in the words of someone who wants to train a model."""
    known, groups = setting_names(), choices(own)
    for setting in settings:
        key, _, value = setting.lstrip("+~").partition("=")
        if key in groups:
            if value and value != "null" and value not in groups[key]:
                near = difflib.get_close_matches(value, groups[key], n=1)
                meant = f" Did you mean {near[0]}?" if near else f" A folder or a hub name is model.path={value}." if key == "model" else ""
                return f"there is no {key} called {value!r}.{meant} Known: {', '.join(groups[key])}."
        elif key not in known and not key.startswith(("hydra.", *(f"{g}." for g in OPEN))):
            return f"unknown setting {key!r}.{did_you_mean(key, known)}"
    reason = str(error.__cause__ or error)
    where = re.search(r"full_key: (\S+)", reason)
    wanted = next((words for sign, words in WANTED.items() if sign in reason), None)
    if where and wanted:
        got = [value for key, equals, value in (s.partition("=") for s in settings) if equals and key.lstrip("+") == where[1]]
        return f"{where[1]} {wanted}{f', got {got[-1]!r}' if got else ''}"
    reason = reason.split("\n")[0].strip()
    unread = getattr(error, "override", None)
    return f"{unread} cannot be read: {reason}. Quote it, or parts of it, for the shell and for Hydra." if unread else reason


def did_you_mean(key: str, known: Sequence[str]) -> str:
    """The settings nearest to what was typed: by the whole name, or by its last part (`lr` -> rl.lr, sft.lr)."""
    section, dot, last = key.rpartition(".")
    last = ELSEWHERE.get(last, last)
    key = section + dot + last
    ends: dict[str, list[str]] = {}
    for name in known:
        ends.setdefault(name.rsplit(".", 1)[-1], []).append(name)
    near = [key] if key in known else ends.get(last, []) if "." not in key else []
    near = near or difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    near = near or [name for end in difflib.get_close_matches(last, ends, n=1, cutoff=0.6) for name in ends[end]]
    return f" Did you mean {' or '.join(near[:6])}?" if near else " `python -m r1lite.train --help` lists them."


@cache
def setting_names() -> list[str]:
    """Every setting and every section, by its full name."""
    from omegaconf import OmegaConf

    from r1lite.settings.compose import composed
    from r1lite.settings.resume import flat

    names = list(flat(OmegaConf.to_container(composed(), resolve=False)))
    sections = {name.rsplit(".", n)[0] for name in names for n in range(1, name.count(".") + 1)}
    return sorted({*names, *sections})


def choices(own: Path | None = None) -> dict[str, list[str]]:
    """Every group and its choices, the user's own included."""
    files = [path for folder in (CONF, own) if folder for path in folder.glob("*/*.yaml")]
    return {group: sorted({f.stem for f in files if f.parent.name == group}) for group in sorted({f.parent.name for f in files})}
