"""Resident memory of this process, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


def resident_mb(name: str) -> float:
    """A value of /proc/self/status: VmRSS is what is resident now, VmHWM its peak, VmPeak that of the address space."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def restart_peak() -> None:
    """Let VmHWM count from now on."""
    Path("/proc/self/clear_refs").write_text("5")
