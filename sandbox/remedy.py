"""Suggests what to do if the full tier does not start on this machine."""

from __future__ import annotations

from pathlib import Path

# A setting of the kernel, the value that prevents the full tier, and one that allows it.
_SWITCHES = (
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user.max_user_namespaces", "0", "10000"),
    ("user.max_net_namespaces", "0", "10000"),
)
_CONTAINER = "start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
REDUCED = "accept weaker protection: Sandbox(tier='reduced') blocks files, network and processes with landlock and seccomp alone"


def setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()
    except OSError:
        return None


def remedies() -> list[str]:
    """Commands that fix what is visibly wrong, or else a general hint; last, the reduced tier."""
    fixes = [f"sysctl -w {name}={good}" for name, bad, good in _SWITCHES if setting(name) == bad]
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        fixes.append(_CONTAINER)
    return [*(fixes or [f"allow user namespaces; if this is a container, {_CONTAINER}"]), REDUCED]
