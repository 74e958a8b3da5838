"""Numbers that are too small, in the words that every section uses."""

from __future__ import annotations


def at_least(where: str, settings: object, **least: int) -> None:
    for field, smallest in least.items():
        if getattr(settings, field) < smallest:
            raise ValueError(f"{where}.{field} must be at least {smallest}, got {getattr(settings, field)}")


def above_zero(where: str, settings: object, *names: str) -> None:
    for field in names:
        if not getattr(settings, field) > 0:
            raise ValueError(f"{where}.{field} must be above 0, got {getattr(settings, field)}")


def not_negative(where: str, settings: object, *names: str) -> None:
    for field in names:
        if not getattr(settings, field) >= 0:
            raise ValueError(f"{where}.{field} must be at least 0, got {getattr(settings, field)}")
