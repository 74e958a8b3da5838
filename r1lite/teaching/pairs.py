"""The preference pairs of a stage: from the rollouts of an earlier stage, or from a file."""

from __future__ import annotations

from pathlib import Path

from r1lite.build import held_out
from r1lite.config import Config, PreferenceConfig
from r1lite.data.preferences import HELD_OUT, LEDGER, pairs_of_file, pairs_of_ledger, sample_pairs
from r1lite.prompt import Prompter
from r1lite.settings.rounds import kind_of
from r1lite.store.run import Place
from r1lite.types import Pair


def load_pairs(cfg: PreferenceConfig, whole: Config, place: Place, prompter: Prompter) -> list[Pair]:
    """In the order of a seed, so that what is held out of them is a fair share."""
    folder = _rollouts(cfg.data, whole, place)
    seed = f"{whole.seed}/{place.name}/pairs"
    if folder:
        found = pairs_of_ledger(folder, cfg.pairs_per_prompt, seed)
    else:
        found = pairs_of_file(Path(cfg.data), prompter, held_out=held_out(whole))
    pairs = sample_pairs(found, cfg.pairs, seed)
    if not pairs:
        raise ValueError(
            f"{place.name}: {folder or cfg.data} holds no pair. A pair is a right and a wrong response to one prompt; "
            f"let an earlier stage sample more (rl.group_size, reject.samples), or give a file with prompt, chosen and rejected"
        )
    return pairs


def _rollouts(data: str, whole: Config, place: Place) -> Path | None:
    earlier = [name for name in whole.stages[: whole.stages.index(place.name)] if kind_of(name) != HELD_OUT]
    named = reversed(earlier) if data == LEDGER else [data] if data in earlier else []
    folders = [place.run / name / "rollouts" for name in named]
    found = next((folder for folder in folders if any(folder.glob("*.parquet"))), None)
    if folders and found is None:
        raise ValueError(f"{place.name}: no rollouts lie in {', '.join(map(str, folders))}. The stages rl, reject and distill leave some.")
    return found
