"""Each extra by itself beside the core: what it enables runs with it, and without it one line names it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from environments import Environment, make, must
from wheels import TABLE

HERE = Path(__file__).parent
RULE = "r1lite reward explain"
THOUGHT = "<think>The sky above looks rather blue today</think>"
TRAINING = f"{TABLE} rl.steps=1 rl.prompts_per_step=2 rl.group_size=2"


@dataclass(frozen=True, kw_only=True)
class Extra:
    uses: tuple[tuple[str, str], ...]  # commands that need it, and what each must show
    named: bool = True  # whether a command says which extra is missing
    without: str = ""  # that command; else the first of `uses`
    prepare: str = ""  # a script beside this file that makes what the commands read
    variables: dict[str, str] = field(default_factory=dict)


EXTRAS = {
    "data": Extra(
        prepare="make_hub.py",
        variables={"HF_DATASETS_CACHE": "hub"},
        uses=((f"r1lite evaluate tiny_base task=dataset task.path=owner/name {TABLE}", "held-out problems"),),
    ),
    "schema": Extra(
        uses=((f"{RULE} json_schema 'schema={{required: [a]}}' 'completion={THOUGHT}<answer>{{\"a\": 1}}</answer>'", "value    1"),),
    ),
    "language": Extra(
        uses=((f"{RULE} language model=lite target=en 'completion={THOUGHT}<answer>x</answer>'", "words are en"),),
    ),
    "math": Extra(
        uses=((rf"{RULE} math 'answer=2\bar{{x}}' 'completion={THOUGHT}<answer>\bar{{x}}2</answer>'", "math-verify"),),
    ),
    "reasoning": Extra(
        uses=((f"r1lite evaluate tiny_base task=reasoning_gym task.names=[chain_sum] {TABLE}", "held-out problems"),),
    ),
    "lora": Extra(
        uses=((f"r1lite experiment=r1_zero model.lora_rank=2 run_dir=lora {TRAINING}", "everything is in"),),
    ),
    "gguf": Extra(
        prepare="make_llama.py",
        without="r1lite export tiny_base output=tiny.gguf format=gguf",
        uses=(
            ("r1lite export llama output=llama.gguf format=gguf", "llama.gguf holds the model of llama"),
            ("r1lite export llama.gguf output=back", "back holds the model of llama.gguf"),
        ),
    ),
    "functions": Extra(
        uses=((f"python {HERE}/rule_in_a_script.py experiment=r1_zero rewards.flat.weight=1 run_dir=own {TRAINING}", "everything is in"),),
    ),
    "code": Extra(
        uses=(
            (f"r1lite evaluate tiny_base task=humaneval {TABLE}", "held-out problems"),
            (f"{RULE} code 'tests=[{{input: \"\", output: \"42\"}}]' 'completion={THOUGHT}```python\nprint(6 * 7)\n```'", "1 of 1 tests"),
        ),
    ),
    # vLLM needs a GPU and gigabytes: here only that the metadata asks for it, and that its lack is named.
    "vllm": Extra(uses=((f"r1lite experiment=r1_zero sampler=vllm run_dir=vllm {TRAINING}", ""),)),
    "docs": Extra(
        named=False,
        prepare="make_page.py",
        uses=(("python -m sphinx -q -W -D extensions=myst_parser -D html_theme=furo -C page site", ""),),
    ),
    "dev": Extra(
        named=False,
        prepare="make_page.py",
        uses=(
            ("python -m pytest -q page", "1 passed"),
            ("python -m ruff check page", "All checks passed"),
            ("python -m build --version", "build "),
            ("python -c 'import pyright'", ""),
            ("hadolint --version", "Haskell Dockerfile Linter"),
        ),
    ),
}
METADATA_ONLY = {"vllm"}


def check_all(core: Environment, wheel: Path, work: Path) -> None:
    for name, extra in EXTRAS.items():
        print(f"  {name}", flush=True)
        folder = work / f"extra_{name}"
        folder.mkdir()
        if extra.named:
            _named(core, name, extra, folder)
        if name in METADATA_ONLY:
            must(core.run("python -c 'import importlib.metadata as m; print(m.requires(\"r1lite\"))'", folder), f"extra == '{name}'")
            continue
        beside = make(work / f"environment_{name}", above=core)
        beside.install(f"{wheel}[{name}]")
        if extra.prepare:
            must(beside.run(f"python {HERE / extra.prepare}", folder), "")
        for command, shows in extra.uses:
            must(beside.run(command, folder, **extra.variables), shows)


def _named(core: Environment, name: str, extra: Extra, folder: Path) -> None:
    """One line says which extra is missing, and how to get it. What `prepare` makes needs the extra, and is not there yet."""
    command = extra.without or extra.uses[0][0]
    said = core.run(command, folder, **extra.variables).stdout
    lines = [line for line in said.splitlines() if f"pip install 'r1lite[{name}]'" in line]
    if len(lines) != 1 or "Traceback" in said:
        sys.exit(f"without the extra {name}, {command} should name it in one line:\n{said}")
