"""The presets: that each composes, is sensible, names its source, and is what docs/how/algorithms.md says."""

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from r1lite.checks.algorithm import check_algorithm
from r1lite.config import CONF, AlgorithmConfig, Config
from r1lite.objective import Objective

FILES = sorted((CONF / "algorithm").glob("*.yaml"))
PRESETS = [path.stem for path in FILES]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "how" / "algorithms.md"
# As the page orders them: the path from PPO to SAPO, then the others.
ORDER = """ppo grpo dapo gspo gspo_token sapo r1 dr_grpo cispo rloo reinforce_pp reinforce_pp_baseline gmpo gpg maxrl lite_ppo
dppo_tv luspo grpo_above_mean grpo_top_fraction reinforce""".split()


def row(name: str) -> str:
    """A preset in one line of the page's table."""
    a = asdict(AlgorithmConfig.preset(name))
    advantage = {"gae": f"gae({a['gamma']:g}, {a['lam']:g})", "return_to_go": "return_to_go"}.get(a["advantage"], a["center"])
    advantage += f" / {a['scale']}" * (a["scale"] != "none") + f", whitened over {a['whiten']}" * (a["whiten"] != "none")
    numbers = {
        "clip": (a["clip_low"], a["clip_high"]),
        "log_clip": (a["clip_low"], a["clip_high"]),
        "sigmoid": (a["tau_pos"], a["tau_neg"]),
        "cap": (a["cap"],),
        "tv_mask": (a["delta_low"], a["delta_high"], a["cap"]),
    }.get(a["gate"], ())
    gate = f"{a['gate']} {'/'.join(f'{n:g}' for n in numbers)}".strip()
    aggregate = f"budget {a['budget']}" if a["aggregate"] == "budget" else a["aggregate"]
    kl = f"{a['kl']} {a['kl_coef']:g}" if a["kl"] != "none" else f"reward {a['reward_kl_coef']:g}" if a["reward_kl_coef"] else "-"
    kl += f", ref every {a['reference_every']}" * bool(a["reference_every"])
    kept = (
        a["keep"] + f" {a['keep_fraction']:g}" * (a["keep"] == "top_fraction") + f", refill {a['refill_rounds']}" * bool(a["refill_rounds"])
    )
    kept += ", dropped count" * a["count_dropped"]
    return f"| `{name}` | {advantage} | {a['ratio']} | {gate} | {aggregate} | {kl} | {kept} |"


def test_the_pages_table_is_what_the_files_say() -> None:
    assert sorted(ORDER) == PRESETS
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    shown = [line for line in lines if (cell := re.match(r"\| `(\w+)` \|", line)) and cell[1] in ORDER]
    assert shown == [row(name) for name in ORDER]


@pytest.mark.parametrize("name", PRESETS)
def test_the_page_says_what_each_is_for(name: str) -> None:
    assert f"\n**{name}** · " in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_names_its_source_and_chooses_only_what_differs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# .*(arXiv \d{4}\.\d{5}|Williams|filter)", text.split("\n")[0])
    own: Any = OmegaConf.to_container(OmegaConf.load(path))
    parents = own.pop("defaults", ["_self_"])[:-1]
    below = asdict(AlgorithmConfig.preset(parents[0]) if parents else AlgorithmConfig())
    assert [key for key, value in own.items() if below[key] == value] == []


@pytest.mark.parametrize("name", PRESETS)
def test_each_composes_as_the_library_reads_it(name: str, config: Callable[..., Config]) -> None:
    cfg = config(f"algorithm={name}").algorithm
    assert cfg == AlgorithmConfig.preset(name)
    check_algorithm(cfg)
    assert asdict(Objective.preset(name)).items() <= asdict(cfg).items()


def test_a_preset_can_be_changed_and_a_mistyped_one_is_found() -> None:
    assert Objective.preset("lite_ppo", clip_high=0.28) == Objective.preset("dapo")
    assert Objective.preset("grpo", kl="none", kl_coef=0.0) == Objective()
    with pytest.raises(ValueError, match="Did you mean 'grpo'"):
        Objective.preset("grppo")
    with pytest.raises(ValueError, match=r"unknown algorithm 'grppo'\. Did you mean 'grpo'"):
        AlgorithmConfig.preset("grppo")


def test_the_pages_commands_and_file_compose(tmp_path: Path, config: Callable[..., Config]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    commands = re.findall(r"^python -m r1lite\.train (.*)$", text, flags=re.M)
    assert len(commands) == 3
    for command in commands:
        cfg = config(*command.split())
        check_algorithm(cfg.algorithm)
        Objective.of(cfg.algorithm)
    mine = re.search(r"```yaml\n(.*?)```", text, flags=re.S)
    assert mine
    folder = tmp_path / "algorithm"
    folder.mkdir()
    (folder / "mine.yaml").write_text(mine[1])
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        composed = compose("config", overrides=["algorithm=mine", f"hydra.searchpath=[file://{tmp_path}]"])
    assert (composed.algorithm.gate, composed.algorithm.clip_high, composed.algorithm.kl) == ("cap", 0.28, "k2")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("keep=best", "unknown keep 'best'. Known: signal, all, above_mean, top_fraction."),
        ("advantage=z", "unknown advantage 'z'. Known: group, pass_at_k, gdpo, return_to_go, gae."),
        ("whiten=all", "unknown whiten 'all'. Known: none, tokens, sequences."),
        ("critic=twin", "unknown critic 'twin'. Known: none, separate, shared."),
        ("keep_fraction=0", "algorithm.keep_fraction must be above 0 and at most 1, got 0"),
        ("entropy_share=1.5", "algorithm.entropy_share must be above 0 and at most 1, got 1.5"),
        ("lam=1.1", "algorithm.lam must be between 0 and 1, got 1.1"),
        ("gamma=-0.1", "algorithm.gamma must be between 0 and 1, got -0.1"),
        ("refill_rounds=-1", "algorithm.refill_rounds must be at least 0, got -1"),
        ("pass_k=0", "algorithm.pass_k must be above 0, got 0"),
        ("advantage=return_to_go ratio=sequence", "algorithm.advantage=return_to_go differs between tokens, but ratio=sequence"),
        ("advantage=return_to_go gate=log_clip", "set ratio=sequence_token, which keeps the advantage of each token"),
        ("advantage=gae", "a critic is for advantage=gae only, which needs one: got advantage=gae with critic=none"),
        ("critic=shared", "got advantage=group with critic=shared"),
        ("advantage=pass_at_k scale=batch", "algorithm.advantage=pass_at_k needs scale=std or scale=none, got scale=batch"),
        ("scale=signal", "algorithm.scale=signal compensates for sequences without signal in the divisor, so it needs count_dropped=true"),
        ("keep=all refill_rounds=2", "algorithm.keep=all drops nothing, so there is nothing to refill"),
        ("scale=mean reward_kl_coef=0.1", "algorithm.scale=mean divides by the mean reward"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(settings: str, said: str) -> None:
    changes: Any = OmegaConf.to_container(OmegaConf.from_dotlist(settings.split()))
    with pytest.raises(ValueError, match=re.escape(said)):
        check_algorithm(AlgorithmConfig(**changes))
