"""Checks each extra on its own: with it, the commands that need it run; without it, one line names the missing extra."""

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
    uses: tuple[tuple[str, str], ...]  # commands that need it, and what the output of each must contain
    named: bool = True  # whether a command says which extra is missing
    without: str = ""  # that command; by default the first of `uses`
    prepare: str = ""  # a script in this folder that makes the input of the commands
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
        uses=((f"r1lite experiment=r1_zero model.lora_rank=2 run_dir=lora {TRAINING}", "the results are in"),),
    ),
    "gguf": Extra(
        prepare="make_llama.py",
        without="r1lite export tiny_base output=tiny.gguf format=gguf",
        uses=(
            ("r1lite export llama output=llama.gguf format=gguf", "exported llama to llama.gguf"),
            ("r1lite export llama.gguf output=back", "exported llama.gguf to back"),
        ),
    ),
    "functions": Extra(
        uses=(
            (f"python {HERE}/rule_in_a_script.py experiment=r1_zero rewards.flat.weight=1 run_dir=own {TRAINING}", "the results are in"),
        ),
    ),
    "notebook": Extra(
        named=False,
        prepare="make_notebook.py",
        uses=(("jupyter execute --inplace page.ipynb", ""), ("python -c 'print(open(\"page.ipynb\").read())'", "rewards: 1.0 0.0")),
    ),
    "code": Extra(
        uses=(
            (f"r1lite evaluate tiny_base task=humaneval {TABLE}", "held-out problems"),
            (f"{RULE} code 'tests=[{{input: \"\", output: \"42\"}}]' 'completion={THOUGHT}```python\nprint(6 * 7)\n```'", "1 of 1 tests"),
        ),
    ),
    # vLLM needs a GPU and gigabytes of space, so only the metadata and the message are checked.
    "vllm": Extra(uses=((f"r1lite experiment=r1_zero sampler=vllm run_dir=vllm {TRAINING}", ""),)),
    "ray": Extra(without="r1lite launch backend=ray servers=0 experiment=demo", uses=(("ray --version", "ray, version"),)),
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
            ("shellcheck --version", "version: 0.11"),
            ("kubernetes-validate --version", "1.37"),
        ),
    ),
}
FOUND = 'python -c \'from pathlib import Path; print(len([*Path("tracked/trackers").glob("{}")]))\''
for tracker, files in {
    "tensorboard": "tensorboard/rl/events*",
    "wandb": "wandb/wandb/offline-run-*/*.wandb",
    "trackio": "trackio/id",
    "mlflow": "mlflow/mlflow.db",
    "swanlab": "swanlab/run-*/*.swanlab",
}.items():
    trains = f"r1lite experiment=r1_zero track=[{tracker}] run_dir=tracked {TRAINING}"
    EXTRAS[tracker] = Extra(variables={"TRACKIO_DIR": "trackio"}, uses=((trains, "the results are in"), (FOUND.format(files), "1")))
METADATA_ONLY = {"vllm"}


def check_all(core: Environment, wheel: Path, work: Path) -> None:
    for name, extra in EXTRAS.items():
        print(f"  {name}", flush=True)
        folder = work / f"extra_{name}"
        folder.mkdir()
        if extra.named:
            _check_message(core, name, extra, folder)
        if name in METADATA_ONLY:
            must(core.run("python -c 'import importlib.metadata as m; print(m.requires(\"r1lite\"))'", folder), f"extra == '{name}'")
            continue
        environment = make(work / f"environment_{name}", base=core)
        environment.install(f"{wheel}[{name}]")
        if extra.prepare:
            must(environment.run(f"python {HERE / extra.prepare}", folder), "")
        for command, shows in extra.uses:
            must(environment.run(command, folder, **extra.variables), shows)


def _check_message(core: Environment, name: str, extra: Extra, folder: Path) -> None:
    """Without the extra, one line must say how to install it. `prepare` needs the extra, so it has not run yet."""
    command = extra.without or extra.uses[0][0]
    output = core.run(command, folder, **extra.variables).stdout
    lines = [line for line in output.splitlines() if f"pip install 'r1lite[{name}]'" in line]
    if len(lines) != 1 or "Traceback" in output:
        sys.exit(f"without the extra {name}, {command} should name it in one line:\n{output}")
