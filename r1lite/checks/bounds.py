"""Checks lower bounds of numbers. Every section has the same messages."""

from __future__ import annotations


def at_least(where: str, settings: object, **bounds: int) -> None:
    for field, bound in bounds.items():
        if getattr(settings, field) < bound:
            raise ValueError(f"{where}.{field} must be at least {bound}, got {getattr(settings, field)}")


def above_zero(where: str, settings: object, *names: str) -> None:
    for field in names:
        if not getattr(settings, field) > 0:
            raise ValueError(f"{where}.{field} must be above 0, got {getattr(settings, field)}")


def not_negative(where: str, settings: object, *names: str) -> None:
    for field in names:
        if not getattr(settings, field) >= 0:
            raise ValueError(f"{where}.{field} must be at least 0, got {getattr(settings, field)}")
