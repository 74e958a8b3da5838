"""Pairs of responses to one prompt, one preferred: from a file, or from what an earlier stage's rollouts left in the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from r1lite.config import Config, PreferenceConfig
from r1lite.data.decontaminate import fit_to_learn
from r1lite.data.examples import as_sample, asked_in
from r1lite.prompt import Prompter
from r1lite.settings.rounds import kind_of
from r1lite.store.run import Place
from r1lite.types import Pair, Sample
from tasks._files import read_rows, require

LEDGER = "ledger"  # as data=: the rollouts of the nearest earlier stage that left any
HELD_OUT = "evaluate"  # the stage whose rollouts are answers to held-out problems
COLUMNS = ["step", "problem_id", "prompt_ids", "token_ids", "finish", "right", "reward", "verdicts"]


def load_pairs(cfg: PreferenceConfig, whole: Config, place: Place, prompter: Prompter) -> list[Pair]:
    """In the order of a seed, so that what is held out of them is a fair share."""
    folder = _rollouts(cfg.data, whole, place)
    seed = f"{whole.seed}/{place.name}/pairs"
    found = pairs_of_ledger(folder, cfg.pairs_per_prompt, seed) if folder else pairs_of_file(Path(cfg.data), prompter, tested=whole)
    pairs = drawn(found, cfg.pairs, seed)
    if not pairs:
        raise ValueError(
            f"{place.name}: {folder or cfg.data} holds no pair. A pair is a right and a wrong response to one prompt; "
            f"let an earlier stage sample more (rl.group_size, reject.samples), or give a file with prompt, chosen and rejected"
        )
    return pairs


def drawn(found: Iterable[Pair], count: int, seed: str) -> list[Pair]:
    """So many of them by lot, or all, in an order by lot. No more are held at once: a long run leaves millions."""
    random, pairs = Random(seed), []
    for seen, pair in enumerate(found):
        if not count or len(pairs) < count:
            pairs.append(pair)
        elif (place := random.randrange(seen + 1)) < count:
            pairs[place] = pair
    random.shuffle(pairs)
    return pairs


def pairs_of_ledger(folder: Path, per_prompt: int, seed: str) -> Iterator[Pair]:
    """Right beside wrong, of the same prompt in the same step. No rollout stands in two pairs of it."""
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("*.parquet")):
        groups: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
        for row in pq.read_table(path, columns=COLUMNS).to_pylist():
            if _was_judged(row):
                groups[row["step"], row["problem_id"]].append(row)
        for key, rows in groups.items():
            random = Random(f"{seed}/{key}")
            right, wrong = [r for r in rows if r["right"]], [r for r in rows if not r["right"]]
            random.shuffle(right)
            random.shuffle(wrong)
            for chosen, rejected in list(zip(right, wrong, strict=False))[:per_prompt]:
                yield Pair(chosen=_as_sample(chosen), rejected=_as_sample(rejected))


def pairs_of_file(path: Path, prompter: Prompter, *, tested: Config | None = None) -> Iterator[Pair]:
    """`prompt` (text or chat messages), `chosen` and `rejected`; a number in `margin` says by how much, where it is known."""
    rows = list(read_rows(path))
    problems = [asked_in(row, path, line) for line, row in rows]
    for place in fit_to_learn(problems, tested, path) if tested else range(len(rows)):
        problem, (line, row) = problems[place], rows[place]
        chosen, rejected = (str(require(row, side, path, line)) for side in ("chosen", "rejected"))
        if chosen == rejected:
            raise ValueError(f"{path}, line {line}: chosen and rejected are the same text, so nothing is preferred")
        yield Pair(
            chosen=as_sample(problem, chosen, prompter),
            rejected=as_sample(problem, rejected, prompter),
            margin=_margin(row.get("margin"), path, line),
        )


def check_data(name: str, cfg: PreferenceConfig, earlier: Sequence[str]) -> None:
    """What can be known of the data before any work."""
    if cfg.data == LEDGER and not earlier:
        raise ValueError(f"{name}.data=ledger pairs an earlier stage's rollouts, and no stage comes before {name}: stages=[rl,{name}], say")
    if kind_of(cfg.data) == HELD_OUT and cfg.data in earlier:
        raise ValueError(f"{name}.data={cfg.data}: what a model is tested with must not be trained on")
    if cfg.data not in (LEDGER, *earlier) and not Path(cfg.data).is_file():
        raise ValueError(f"{name}.data={cfg.data} is neither ledger, nor an earlier stage of {list(earlier)}, nor a file")


def _rollouts(data: str, whole: Config, place: Place) -> Path | None:
    earlier = [name for name in whole.stages[: whole.stages.index(place.name)] if kind_of(name) != HELD_OUT]
    named = reversed(earlier) if data == LEDGER else [data] if data in earlier else []
    folders = [place.run / name / "rollouts" for name in named]
    found = next((folder for folder in folders if any(folder.glob("*.parquet"))), None)
    if folders and found is None:
        raise ValueError(f"{place.name}: no rollouts lie in {', '.join(map(str, folders))}. The stages rl, reject and distill leave some.")
    return found


def _was_judged(row: dict[str, Any]) -> bool:
    outcomes = {v["outcome"] for v in row["verdicts"]}
    return "scored" in outcomes and not outcomes & {"failed", "timed_out"}


def _as_sample(row: dict[str, Any]) -> Sample:
    return Sample(prompt_ids=tuple(row["prompt_ids"]), token_ids=tuple(row["token_ids"]))


def _margin(given: Any, path: Path, line: int) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | None):
        raise ValueError(f"{path}, line {line}: margin should be a number, got {given!r}")
    return float(given or 0.0)
