"""Loads a stage's preference pairs: from the rollouts of an earlier stage, or from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from r1lite.build import held_out
from r1lite.config import Config, PreferenceConfig
from r1lite.data.preferences import pairs_of_file, pairs_of_ledger, sample_pairs
from r1lite.prompt import Prompter
from r1lite.settings.stages import LEDGER, earlier_than, stage_of
from r1lite.store.run import Place
from r1lite.types import Pair


def data_of(settings: PreferenceConfig) -> list[str]:
    """What a stage that learns from pairs reads."""
    return [settings.data]


def load_pairs(settings: PreferenceConfig, cfg: Config, place: Place, prompter: Prompter) -> list[Pair]:
    """The pairs in random order, so that any slice of them is a random sample.

    It takes the whole configuration because `held_out` reads most of it: task, plugins, seed, stages and evaluate.
    """
    folder = _rollouts(settings.data, earlier_than(place.name, cfg), place)
    seed = f"{cfg.seed}/{place.name}/pairs"
    if folder:
        candidates = pairs_of_ledger(folder, settings.pairs_per_prompt, seed)
    else:
        candidates = pairs_of_file(Path(settings.data), prompter, held_out=held_out(cfg))
    pairs = sample_pairs(candidates, settings.pairs, seed)
    if not pairs:
        raise ValueError(
            f"{place.name}: {folder or settings.data} contains no pair. A pair is a correct and a wrong response to one prompt; "
            f"let an earlier stage sample more (rl.group_size, reject.samples), or use a file with prompt, chosen and rejected"
        )
    return pairs


def _rollouts(data: str, earlier: Sequence[str], place: Place) -> Path | None:
    """The folder with an earlier stage's rollouts; None if `data` is a file."""
    training = [name for name in earlier if not stage_of(name).tests]
    names = reversed(training) if data == LEDGER else [data] if data in training else []
    folders = [place.run / name / "rollouts" for name in names]
    folder = next((folder for folder in folders if any(folder.glob("*.parquet"))), None)
    if folders and folder is None:
        raise ValueError(f"{place.name}: no rollouts in {', '.join(map(str, folders))}. Stages rl, reject and distill write them.")
    return folder
