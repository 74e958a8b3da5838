"""The model card of a stage: the origin of its weights, its training data, and its scores. Written once, when the stage is finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from r1lite import __version__
from r1lite.build import make_rules
from r1lite.config import CONF, AlgorithmConfig, Config, SamplerConfig
from r1lite.scoring.mixture import chosen_rewards
from r1lite.settings.resume import flat, is_free, sources
from r1lite.settings.rounds import SECTIONS, settings_for
from r1lite.settings.stages import BASE, own_settings, stage_of, start_of
from r1lite.store.config_file import portable
from r1lite.store.files import atomic, read_json, write_json
from r1lite.store.run import Run

CARD, GENERATION = "README.md", "generation_config.json"


def write_card(run: Run, name: str, weights: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write README.md and the generation settings beside the stage's weights. An existing card is not replaced."""
    final = run.place(name).final
    if not final.is_dir() or (final / CARD).exists():
        return
    writes_text = final == weights  # False for a reward model, which later stages do not start from
    if writes_text:
        write_json(final / GENERATION, generation(final, run.cfg.sampler))
    with atomic(final / CARD) as part:
        part.write_text(card(run, name, entries, writes_text=writes_text), encoding="utf-8")


def card(run: Run, name: str, entries: Sequence[Mapping[str, Any]], *, writes_text: bool = True) -> str:
    """The text of the card, from what is known at this time."""
    cfg = run.cfg
    parts = [_head(cfg, name, writes_text), "## Origin\n\n" + "\n".join(_lineage(run, entries))]
    parts.append("## Training data\n\n" + "\n".join(_data(cfg, entries)))
    if writes_text:
        parts.append("## Evaluation\n\n" + "\n".join(_evaluation(cfg, entries)).rstrip())
        parts.append("## Use\n\n" + "\n".join(_use(cfg)))
    parts.append("## Limits\n\n" + "\n".join(_limits(cfg, writes_text)))
    return "\n\n".join(parts) + "\n"


def generation(folder: Path, cfg: SamplerConfig) -> dict[str, Any]:
    """The folder's generation settings, with those of the sampler in place of the library's defaults."""
    known = read_json(folder / GENERATION) if (folder / GENERATION).is_file() else {}
    known.pop("_from_model_config", None)
    drawn = {"do_sample": True, "temperature": cfg.temperature, "top_p": cfg.top_p, "top_k": cfg.top_k}
    return known | drawn | {"max_new_tokens": cfg.max_tokens}


def config_hash(cfg: Config) -> str:
    """A hash of all settings that affect the results: not of paths in the run directory, or of the number of workers."""
    settings = {k: v for k, v in flat(portable(asdict(cfg), Path(cfg.run_dir).expanduser())).items() if not is_free(k, cfg)}
    return hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=8).hexdigest()


def _head(cfg: Config, name: str, writes_text: bool) -> str:
    remote = not Path(cfg.model.path).expanduser().exists() and cfg.model.path.count("/") == 1
    front = ["library_name: transformers", *(["pipeline_tag: text-generation"] if writes_text else []), "tags: [r1lite]"]
    front += [f"base_model: {cfg.model.path}"] if remote else []
    what = "" if writes_text else " A reward model: it scores text, and writes none."
    made = f"Made by stage `{name}` of experiment `{cfg.experiment}` with r1lite {__version__}.{what}"
    return (
        "---\n" + "\n".join(front) + f"\n---\n\n# {cfg.experiment}: {name}\n\n{made} Seed {cfg.seed}, configuration `{config_hash(cfg)}`."
    )


def _lineage(run: Run, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every stage up to this one, and the weights that it started from."""
    yield from ("| stage | started from | settings |", "|---|---|---|")
    for name in (entry["name"] for entry in entries if entry["name"] != BASE):
        settings = own_settings(run.cfg, name)
        told = ", ".join(f"{key}={getattr(settings, key)}" for key in stage_of(name).card)
        yield f"| `{name}` | {_cell(_start(run, name))} | {_cell(told)} |"
    if run.cfg.model.lora_rank:
        yield f"\nTrained with adapters of rank {run.cfg.model.lora_rank}, which are merged into the weights."


def _start(run: Run, name: str) -> str:
    origin, before = stage_of(name).origin, _before(run, name)
    return origin(settings_for(run.cfg, name), before) if origin else before


def _before(run: Run, name: str) -> str:
    """The earlier stage that a stage started from, or the run's initial model."""
    start = Path(run.record(name)["start"])
    if start.is_relative_to(run.folder):
        return f"`{start.relative_to(run.folder).parts[0]}`"
    chosen = start_of(run.cfg, name)
    return f"`{run.cfg.model.path if chosen in (BASE, 'previous') else chosen}`"


def _data(cfg: Config, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [entry["name"] for entry in entries]
    used = {part for name in names if name != BASE for part in stage_of(name).uses}
    yield f"- Task `{cfg.task['name']}`: {_cell(_options(cfg.task, 'name'))}"
    if "rewards" in used:
        for rule, settings in chosen_rewards(cfg).items():
            settings = settings or {}
            more = _options(settings, "weight")
            yield f"- Reward `{rule}`, weight {settings.get('weight', 1.0):g}{f' ({_cell(more)})' if more else ''}"
    if "algorithm" in used:
        yield f"- Algorithm: {algorithm_in_words(cfg.algorithm)}"
    for name in names:
        sections = {k: v for k, v in cfg.rounds.get(name, {}).items() if k in SECTIONS}
        if sections:
            yield f"- Different in `{name}`: {_cell(_options(flat(sections)))}"
    for file, digest in sources(cfg).items():
        yield f"- {'Folder' if Path(file).expanduser().is_dir() else 'File'} `{file}`, hash `{digest}`"


def algorithm_in_words(cfg: AlgorithmConfig) -> str:
    """The nearest preset, and the settings that differ from it."""
    mine = asdict(cfg)
    differing = {name: {key: mine[key] for key in mine if mine[key] != values[key]} for name, values in _presets().items()}
    name = min(differing, key=lambda n: (len(differing[n]), n))
    return f"`{name}`" + (f" with {_options(differing[name])}" if differing[name] else "")


@cache
def _presets() -> dict[str, dict[str, Any]]:
    return {path.stem: asdict(AlgorithmConfig.preset(path.stem)) for path in sorted((CONF / "algorithm").glob("*.yaml"))}


def _evaluation(cfg: Config, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not any("eval" in entry for entry in entries):
        yield "The model was not evaluated."
        return
    e, right = cfg.evaluate, make_rules(cfg).right_rule
    yield f"A response is correct if the rule `{right}` gives at least {cfg.scoring.right_at:g}.\n"
    heads = ("pass@1", "greedy", f"pass@{e.k}", f"maj@{e.k}", "length_mean")
    for split in e.splits:
        key = "eval" if split == e.splits[0] else f"eval_{split}"
        tables = [(entry["name"], entry[key]) for entry in entries if key in entry]
        if not tables:
            continue
        problems, unjudged = tables[-1][1]["problems"], tables[-1][1].get("unjudged", 0)
        yield f"Split `{split}`: {problems} problems, {e.samples} samples each at temperature {cfg.sampler.temperature:g}.\n"
        yield from (f"| model | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|")
        for name, found in tables:
            yield f"| `{name}` | {' | '.join(f'{found[head]:.4g}' for head in heads)} |"
        yield ""
        if unjudged:
            yield f"{unjudged:.1%} of the last model's responses got no verdict and are left out.\n"


def _use(cfg: Config) -> Iterator[str]:
    system = f", after the system message {json.dumps(cfg.prompt.system)}" if cfg.prompt.system else ""
    yield f"- Prompt it through its chat template{system}"
    if cfg.prompt.prefill:
        yield f"- Each prompt ends with {json.dumps(cfg.prompt.prefill)}, which the response continues."
    if cfg.sampler.stop:
        yield f"- A response ends at {json.dumps(cfg.sampler.stop)}, besides the end token; `{GENERATION}` does not contain this."
    yield f"- `{GENERATION}` contains the sampling settings of the run."


def _limits(cfg: Config, writes_text: bool) -> Iterator[str]:
    longest = f"prompts of at most {cfg.prompt.max_tokens} tokens and responses of at most {cfg.sampler.max_tokens}"
    yield f"- The model was trained only on the task above, with {longest}."
    if writes_text:
        yield "- The scores are from one seed and a sample of problems."
        yield "- The rules check answers and form, not whether the reasoning is sound."


def _options(settings: Mapping[str, Any], *without: str) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items() if key not in without)


def _cell(text: str) -> str:
    """Text without characters that would end a table's cell or line."""
    return " ".join(text.split()).replace("|", "\\|")
