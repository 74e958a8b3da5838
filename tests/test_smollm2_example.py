"""The example examples/smollm2: its worked examples are right by the package's own scorer, and its experiments compose."""

import json
import subprocess
import sys
from pathlib import Path

from r1lite.settings.compose import configuration
from r1lite.types import Rollout
from rewards.reasoning_gym import reasoning_gym
from tasks.reasoning_gym import ReasoningGym

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "smollm2"


def test_worked_examples_are_right_and_of_the_experiments_problems(tmp_path: Path) -> None:
    subprocess.run([sys.executable, EXAMPLE / "worked.py", tmp_path], check=True, cwd=EXAMPLE.parent.parent)
    for name in ("word_sequence_reversal", "needle_haystack"):
        cfg = configuration([f"experiment=smollm2_{name}"], EXAMPLE / "conf")
        assert cfg.cold_start.data == f"runs/worked/{name}.jsonl"
        assert list(cfg.task["names"]) == [name]
        problems = ReasoningGym(names=[name], options=cfg.task["options"]).problems("train")
        rows = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        assert len(rows) == 256
        for row, problem in zip(rows, problems, strict=False):
            assert row["prompt"] == problem.prompt
            response = Rollout(problem_id=problem.id, index=0, prompt_ids=(), token_ids=(), logprobs=(), text=row["completion"])
            assert reasoning_gym(problem, response).value == 1.0
