"""Tools inside a response: `<calculator>12*3</calculator>` is answered by `<output>36</output>`, and the model goes on.

Covered: any model, since a call is plain text; calls that are malformed are told what is wrong. Not covered: the call formats
that chat templates have of their own.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from r1lite.episodes import Episode, Insert, episode
from r1lite.episodes.tools import Malformed, Session, arguments_of, call, parameters
from r1lite.episodes.tools import tools as registered
from r1lite.types import Message, Problem

OUTPUT, END_OUTPUT = "<output>", "</output>"


@episode("tools")
class Tools(Episode):
    """Ends with the first turn that is no call."""

    seconds = 10.0

    def __init__(self, *, tools: Sequence[str], describe: bool = True, output: int = 1000) -> None:
        if isinstance(tools, str) or not tools:
            raise ValueError(f"episode.tools lists names of tools, such as [calculator]; got {tools!r}")
        for name in tools:
            registered[name]
        if output < 1:
            raise ValueError(f"episode.output must be at least 1, got {output}")
        self.tools, self.describe, self.output = tuple(tools), describe, output
        self.stop = tuple(f"</{name}>" for name in tools)
        self.session: Session = {}

    def reset(self, problem: Problem) -> str | Sequence[Message]:
        if not self.describe:
            return problem.prompt
        messages: Sequence[Any] = [{"role": "user", "content": problem.prompt}] if isinstance(problem.prompt, str) else problem.prompt
        first, *rest = messages
        return [{**first, "content": f"{self._description()}\n\n{first['content']}"}, *rest]

    def step(self, reply: str) -> Insert | None:
        written = reply.rstrip()
        name = next((name for name in self.tools if written.endswith(f"</{name}>")), None)
        if name is None:
            return None
        return Insert(f"{OUTPUT}{self._answer(name, written.removesuffix(f'</{name}>'))}{END_OUTPUT}")

    def _answer(self, name: str, before: str) -> str:
        _, opened, text = before.rpartition(f"<{name}>")
        try:
            if not opened:
                raise Malformed(f"</{name}> without <{name}>")
            answer = call(name, arguments_of(name, text), self.session)
        except Exception as error:  # a tool may be anybody's code, and the model may learn from what it did wrong
            answer = f"error: {error}" if isinstance(error, Malformed) else f"error: {type(error).__name__}: {error}"
        # The output cannot end itself: what comes after would look like the model's own text.
        answer = answer.replace(END_OUTPUT, "< /output>")
        return answer if len(answer) <= self.output else f"{answer[: self.output]} [cut: {len(answer)} characters]"

    def _description(self) -> str:
        lines = ["You can call tools. Write a call in tags; its output follows in <output> </output>."]
        for name in self.tools:
            inside = ", ".join(parameters(registered[name]))
            about = (inspect.getdoc(registered[name]) or "").partition("\n\n")[0].replace("\n", " ")
            lines.append(f"<{name}>{inside}</{name}> {about}")
        return "\n".join(lines)
