"""Writes worked examples for two data sets of reasoning-gym, which provide answers but no reasoning.

    python examples/smollm2/worked.py runs/worked

writes runs/worked/word_sequence_reversal.jsonl and runs/worked/needle_haystack.jsonl.
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
QUESTION = re.compile(r"Who (.*)\? Reply only with a name\.")


def word_sequence_reversal(question: str) -> tuple[str, str]:
    """Number the words, then list them in reverse."""
    words = question.strip().split(": ")[-1].split(", ")
    return " ".join(f"{n} {word}" for n, word in enumerate(words, 1)), ", ".join(reversed(words))


def needle_haystack(question: str) -> tuple[str, str]:
    """Repeat the sentence that the question is about; its first word is the name."""
    text, who = question.split("\n")
    match = QUESTION.fullmatch(who)
    assert match, question
    (sentence,) = (s for s in text.rstrip(" .").split(". ") if s.endswith(match[1]))
    return f"{sentence}.", sentence.split()[0]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/worked")
    folder.mkdir(parents=True, exist_ok=True)
    for work_out in (word_sequence_reversal, needle_haystack):
        name = work_out.__name__
        config: Any = OmegaConf.to_container(OmegaConf.load(EXPERIMENTS / f"smollm2_{name}.yaml"))
        problems = ReasoningGym(names=[name], options=config["task"].get("options")).problems("train")
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for problem in islice(problems, EXAMPLES):
                thought, answer = work_out(str(problem.prompt))
                assert answer == problem.answer, f"{problem.prompt}: worked out {answer}, but the package expects {problem.answer}"
                completion = f"<think>{thought}</think><answer>{answer}</answer>"
                file.write(json.dumps({"prompt": problem.prompt, "completion": completion}) + "\n")


if __name__ == "__main__":
    main()
