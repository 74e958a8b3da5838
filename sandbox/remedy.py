"""What to do on a machine where the full tier does not start."""

from __future__ import annotations

from pathlib import Path

# A setting of the kernel, the value that stands in the way, the one that does not.
_SWITCHES = (
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user.max_user_namespaces", "0", "10000"),
    ("user.max_net_namespaces", "0", "10000"),
)
_CONTAINER = "start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
LESS = "accept less: Sandbox(tier='reduced') keeps files, network and processes away by landlock and seccomp alone"


def setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()
    except OSError:
        return None


def remedies() -> list[str]:
    """What is wrong as far as can be seen, as commands; then what else it may be."""
    found = [f"sysctl -w {name}={good}" for name, bad, good in _SWITCHES if setting(name) == bad]
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        found.append(_CONTAINER)
    return [*(found or [f"user namespaces must be allowed; if this is a container, {_CONTAINER}"]), LESS]
