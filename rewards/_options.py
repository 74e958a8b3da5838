"""Checks of rule options.

A rule checks its options before it reads the rollout, and raises OptionError if it could not score any rollout with them. So
one call before the first step, on an empty rollout, is enough to find a bad option.
"""

from __future__ import annotations

from collections.abc import Iterable

from r1lite.registry import unknown


class OptionError(ValueError):
    """An option with which a rule cannot score any rollout."""


def one_of(rule: str, option: str, value: str, allowed: Iterable[str]) -> str:
    allowed = list(allowed)
    if value not in allowed:
        raise OptionError(unknown(f"value of rewards.{rule}.{option}:", str(value), allowed))
    return value


def at_least(rule: str, option: str, value: float, least: float) -> None:
    if not value >= least:  # also catches NaN
        raise OptionError(f"rewards.{rule}.{option} must be at least {least:g}, got {value}")


def between(rule: str, option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OptionError(f"rewards.{rule}.{option} must be between {low:g} and {high:g}, got {value}")
