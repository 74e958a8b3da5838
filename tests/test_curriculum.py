"""What a curriculum passes over, what it remembers, and that a feed goes on exactly where it stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from r1lite.checks.data import check_curriculum
from r1lite.config import Config, CurriculumConfig, PromptConfig
from r1lite.data.curriculum import Curriculum, make_curriculum
from r1lite.data.feed import Feed
from r1lite.models.tiny import build_tokenizer
from r1lite.prompt import Prompter
from r1lite.stages import rl
from r1lite.store.metrics import Metrics
from r1lite.store.run import Place
from r1lite.types import Problem, Rollout, Scored, Verdict

PROMPTER = Prompter(tokenizer=build_tokenizer())
TWENTY = [Problem(id=str(i), prompt="x", info={"level": i}) for i in range(20)]


def settings(**changes: Any) -> CurriculumConfig:
    return CurriculumConfig(**{"revisit": 1.0, "column": "", "easiest": 0.0, "hardest": 1.0, "until": 0.5, **changes})


def feed(curriculum: Curriculum | None, *, position: int = 0, problems: list[Problem] = TWENTY) -> Feed:
    limits = PromptConfig(max_tokens=99, too_long="skip")
    return Feed(problems, seed="s", prompter=PROMPTER, limits=limits, position=position, curriculum=curriculum)


def group(problem: Problem, *right: bool | None) -> list[Scored]:
    """None was not judged."""
    rollout = Rollout(problem_id=problem.id, index=0, prompt_ids=(), token_ids=(), logprobs=(), text="")
    return [
        Scored(
            problem=problem,
            rollout=rollout,
            reward=float(r or 0),
            right=bool(r),
            verdicts={"a": Verdict(value=None, outcome="failed") if r is None else Verdict(value=float(r))},
        )
        for r in right
    ]


def ids(taken: list[Problem]) -> list[str]:
    return [p.id for p in taken]


def test_what_was_all_right_or_all_wrong_is_settled_until_it_differs() -> None:
    told = Curriculum(settings(revisit=0.2), seed="s")
    told.learn([group(TWENTY[0], True, True), group(TWENTY[1], False, False), group(TWENTY[2], True, False), group(TWENTY[3], None, None)])
    assert told.settled == {"0", "1"}
    told.learn([group(TWENTY[0], True, False, None), group(TWENTY[1], None, None)])
    assert told.settled == {"1"}


def test_settled_problems_come_less_often_and_the_others_as_before() -> None:
    half = [str(i) for i in range(10)]
    taken = ids(feed(Curriculum(settings(revisit=0.2), seed="s", settled=half)).take(1200))
    settled = sum(i in half for i in taken)
    assert 0.10 < settled / len(taken) < 0.24  # 10 * 0.2 of 10 * 0.2 + 10 is a sixth
    plain = ids(feed(None).take(40))
    none = ids(feed(Curriculum(settings(revisit=0.0), seed="s", settled=half)).take(20))
    assert none == [i for i in plain if i not in half]


def test_a_feed_goes_on_exactly_from_its_position_and_what_is_settled() -> None:
    def run(steps: range, of: Feed, curriculum: Curriculum) -> list[str]:
        taken: list[str] = []
        for _ in steps:
            step = of.take(3)
            taken += ids(step)
            curriculum.learn([group(p, int(p.id) % 3 == 0, int(p.id) % 2 == 0) for p in step])
        return taken

    first = Curriculum(settings(revisit=0.3), seed="s")
    whole_feed = feed(first)
    whole = run(range(30), whole_feed, first)
    begun = Curriculum(settings(revisit=0.3), seed="s")
    half_feed = feed(begun)
    half = run(range(11), half_feed, begun)
    resumed = Curriculum(settings(revisit=0.3), seed="s", settled=sorted(begun.settled))
    rest = run(range(19), feed(resumed, position=half_feed.position), resumed)
    assert half + rest == whole
    assert whole_feed.passed_over > 0
    assert resumed.settled == first.settled


def test_the_limit_rises_over_the_first_share_of_steps() -> None:
    rising = Curriculum(settings(column="level", easiest=4, hardest=20, until=0.5), seed="s")
    limits = []
    for step in (1, 6, 11, 40):
        rising.begin(step, 20)
        limits.append(rising.limit)
    assert limits == [4, 12, 20, 20]
    rising.begin(1, 20)
    assert {p.info["level"] for p in feed(rising).take(50)} == {0, 1, 2, 3, 4}
    rising.begin(11, 20)
    assert len(set(ids(feed(rising).take(20)))) == 20


def test_where_all_is_passed_over_what_comes_is_taken() -> None:
    assert len(feed(Curriculum(settings(revisit=0.0), seed="s", settled=[p.id for p in TWENTY])).take(5)) == 5


def test_a_problem_without_a_difficulty_is_an_error() -> None:
    told = Curriculum(settings(column="grade"), seed="s")
    with pytest.raises(ValueError, match=r"rl\.curriculum\.column=grade: a difficulty must be a number, but 0 has None; its columns"):
        told.admits(TWENTY[0], 0)


def test_nothing_is_made_where_nothing_is_passed_over() -> None:
    assert make_curriculum(settings(), seed="s") is None
    assert make_curriculum(settings(revisit=0.5), seed="s", settled=["1"]) is not None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"revisit": 1.5}, r"rl\.curriculum\.revisit must be between 0 and 1, got 1\.5"),
        ({"until": -1}, r"rl\.curriculum\.until must be between 0 and 1, got -1"),
        ({"column": "level", "easiest": 3, "hardest": 3}, r"rl\.curriculum\.easiest=3 must be below rl\.curriculum\.hardest=3"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_curriculum(settings(**changes))


def test_a_run_that_stopped_asks_the_same_problems_again(
    config: Callable[..., Config], model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random weights get nothing right, so all that was asked is settled: what is known of it decides what comes."""
    cfg = config(
        *"task.size=12 rl.curriculum.revisit=0.5 rl.steps=6 rl.prompts_per_step=3 rl.group_size=2 rl.checkpoint_every=2".split(),
        *"scoring.workers=0 sampler.max_tokens=4 rl.show_every=0".split(),
    )

    def asked(folder: Path, stop_at: int = 0) -> list[list[str]]:
        place = Place(name="rl", out=folder / "rl", run=folder, metrics=Metrics(folder / "metrics.jsonl"))
        take_step = rl.take_step

        def step(parts: rl.Parts, cfg: Config, number: int) -> Any:
            if number == stop_at:
                raise KeyboardInterrupt
            return take_step(parts, cfg, number)

        with monkeypatch.context() as patched:
            patched.setattr(rl, "take_step", step)
            rl.run(cfg, model_folder, place)
        return [pq.read_table(path)["problem_id"].to_pylist() for path in sorted((folder / "rl" / "rollouts").glob("*.parquet"))]

    whole = asked(tmp_path / "whole")
    assert len(whole) == 6
    with pytest.raises(KeyboardInterrupt):
        asked(tmp_path / "stopped", stop_at=6)
    assert asked(tmp_path / "stopped") == whole
