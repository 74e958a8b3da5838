"""How rules speak about their own options.

A rule looks at its options before it looks at the rollout, and raises OptionError where no rollout could be scored
with them. So calling it once, on anything, before the first step is enough to know.
"""

from __future__ import annotations

from collections.abc import Iterable

from r1lite.registry import unknown


class OptionError(ValueError):
    """An option that makes a rule useless for every rollout."""


def one_of(rule: str, option: str, value: str, allowed: Iterable[str]) -> str:
    allowed = list(allowed)
    if value not in allowed:
        raise OptionError(unknown(f"value of rewards.{rule}.{option}:", str(value), allowed))
    return value


def at_least(rule: str, option: str, value: float, least: float) -> None:
    if not value >= least:  # also where it is not a number
        raise OptionError(f"rewards.{rule}.{option} must be at least {least:g}, got {value}")


def between(rule: str, option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OptionError(f"rewards.{rule}.{option} must lie between {low:g} and {high:g}, got {value}")
