"""Writes worked examples for two data sets of reasoning-gym, which come with an answer and no working.

    python examples/smollm2/worked.py runs/worked

makes runs/worked/word_sequence_reversal.jsonl and runs/worked/needle_haystack.jsonl.
"""

from __future__ import annotations

import json
import re
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tasks.reasoning_gym import ReasoningGym

EXAMPLES = 256
EXPERIMENTS = Path(__file__).parent / "conf" / "experiment"
ASKED = re.compile(r"Who (.*)\? Reply only with a name\.")


def word_sequence_reversal(question: str) -> tuple[str, str]:
    """Count the words, then say them from the last to the first."""
    words = question.strip().split(": ")[-1].split(", ")
    return " ".join(f"{n} {word}" for n, word in enumerate(words, 1)), ", ".join(reversed(words))


def needle_haystack(question: str) -> tuple[str, str]:
    """Say the sentence again that the question is about; its first word is the name."""
    said, asked = question.split("\n")
    what = ASKED.fullmatch(asked)
    assert what, question
    (sentence,) = (s for s in said.rstrip(" .").split(". ") if s.endswith(what[1]))
    return f"{sentence}.", sentence.split()[0]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/worked")
    folder.mkdir(parents=True, exist_ok=True)
    for work_out in (word_sequence_reversal, needle_haystack):
        name = work_out.__name__
        asked: Any = OmegaConf.to_container(OmegaConf.load(EXPERIMENTS / f"smollm2_{name}.yaml"))
        problems = ReasoningGym(names=[name], options=asked["task"].get("options")).problems("train")
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for problem in islice(problems, EXAMPLES):
                thought, answer = work_out(str(problem.prompt))
                assert answer == problem.answer, f"{problem.prompt}: {answer} here, {problem.answer} by the package"
                completion = f"<think>{thought}</think><answer>{answer}</answer>"
                file.write(json.dumps({"prompt": problem.prompt, "completion": completion}) + "\n")


if __name__ == "__main__":
    main()
