"""A judge that compares texts, behind a real server: it knows only what the request holds, and believes nothing that stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from endpoints import Handler

from r1lite.audit.mutants import as_rollout
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdicts_of
from r1lite.types import Group, Problem, Verdict

BLOCK = re.compile(r"^BEGIN ([A-Z ]+) ([0-9a-f]{16})\n(.*?)\nEND \1 \2$", re.DOTALL | re.MULTILINE)
SUM = Problem(id="train/0", prompt="2+2?", answer="4")


def quoted(body: dict[str, Any]) -> dict[str, str]:
    """The texts of a request by name. Fails if they do not bear the one mark that the system message gives."""
    system, user = (message["content"] for message in body["messages"])
    blocks = BLOCK.findall(user)
    assert [system.endswith(f"The mark of this request is {mark}.") for _, mark, _ in blocks] == [True] * len(blocks)
    assert len({name for name, _, _ in blocks}) == len(blocks)
    return {name: text for name, _, text in blocks}


def reply(score: object, reason: object = "so it is") -> str:
    return json.dumps({"reason": reason, "score": score})


def honest(handler: Handler, body: dict[str, Any]) -> None:
    texts = quoted(body)
    handler.answer(reply(int(texts["RESPONSE"] == texts["EXPECTED ANSWER"])))


def saying(content: object, **more: Any) -> Callable[[Handler, dict[str, Any]], None]:
    return lambda handler, body: handler.answer(content, **more)


def rules(url: str, /, **options: Any) -> Rules:
    chosen = {"url": url, "model": "wise", "retries": 0, "cache": "", **options}
    return Rules.from_config({"judge": {key: value for key, value in chosen.items() if value is not None}})


def group(texts: Sequence[str], problem: Problem = SUM) -> Group:
    """A response for each text; one without tags is the answer after a thought."""
    whole = [text if "<answer>" in text or not text else f"<think>so</think><answer>{text}</answer>" for text in texts]
    return Group(problem=problem, rollouts=tuple(as_rollout(text, problem, index=i) for i, text in enumerate(whole)))


def judged(url: str, *texts: str, problem: Problem = SUM, **options: Any) -> list[Verdict]:
    return [row["judge"] for row in verdicts_of(rules(url, **options), group(texts, problem))]
