"""One process of a layout: its command, and what its environment needs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    name: str  # also that of its log
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)  # besides that of the launcher
    url: str = ""  # of a server
    serves: str = ""  # name under which a server has its model: it tells the server from another that has taken its port

    def as_shell(self) -> str:
        """What a user would type: one variable, or one option with its value, a line."""
        lines = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        program = 3 if list(self.command[1:2]) == ["-m"] else 1
        lines.append(shlex.join(self.command[:program]))
        for word in self.command[program:]:
            if word.startswith("-") or "=" in word:
                lines.append(shlex.quote(word))
            else:
                lines[-1] += f" {shlex.quote(word)}"
        return " \\\n  ".join(lines)
