"""The table of R1's recipe says which stage falls, and by how much a figure may be wrong."""

from typing import Any

from bench.r1_recipe import error, lines


def stage(name: str, right: float, hard: float = 0.25) -> dict[str, Any]:
    table = {"pass@1": right, "length_mean": 41.6, "problems": 100}
    return {"name": name, "eval": table, "eval_hard": table | {"pass@1": hard}, "seconds": 7.4}


def test_the_error_is_that_of_problems_whose_samples_agree() -> None:
    assert error({"pass@1": 0.5, "problems": 100}) == 0.05
    assert error({"pass@1": 1.0, "problems": 100}) == 0.0


def test_a_stage_falls_where_it_loses_more_than_twice_the_error() -> None:
    held, lost = [stage("rl", 0.9), stage("sft", 0.82)], [stage("rl", 0.9), stage("sft", 0.79)]
    table = lines([held, lost])
    assert table[2] == "| `rl` | 0.900 / 0.900 | 0.030 / 0.030 | 0.250 / 0.250 | 42 / 42 | 7 / 7 |"
    assert table[3].startswith("| `sft` | 0.820 / 0.790 | 0.038 / 0.041 |")
    assert table[4:] == ["", "run 1: sft falls by 0.110"]
    assert lines([held])[-1] == "No stage falls by more than twice the error of the difference."
