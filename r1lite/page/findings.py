"""What was diagnosed while the run went, from diagnosis.jsonl: each finding with the steps in which it held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from r1lite.page.folder import finite

WEIGHTS = ("note", "warning", "error")


def findings(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for each time that a finding began, with the step of its end if it ended. The heaviest come first."""
    found: list[dict[str, Any]] = []
    open_ones: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        key = (str(entry.get("stage", "")), str(entry.get("name", "")))
        if entry.get("event") == "ends":
            if key in open_ones:
                open_ones.pop(key)["until"] = finite(entry.get("step"))
        elif entry.get("event") == "begins" and key not in open_ones:  # a resumed run says again what it repeats
            open_ones[key] = _begun(entry)
            found.append(open_ones[key])
    return sorted(found, key=lambda one: (-WEIGHTS.index(one["weight"]), one["step"]))


def _begun(entry: dict[str, Any]) -> dict[str, Any]:
    step = finite(entry.get("step")) or 0
    since, evidence, overrides = finite(entry.get("since")), entry.get("evidence"), entry.get("overrides")
    return {
        "name": str(entry.get("name", "")),
        "stage": str(entry.get("stage", "")),
        "step": step,
        "since": step if since is None else since,
        "until": None,
        "weight": entry["weight"] if entry.get("weight") in WEIGHTS else "note",
        "title": str(entry.get("title") or entry.get("name", "")),
        "evidence": {str(k): finite(v) for k, v in evidence.items()} if isinstance(evidence, dict) else {},
        "meaning": str(entry.get("meaning", "")),
        "overrides": [str(one) for one in overrides] if isinstance(overrides, list) else [],
    }
