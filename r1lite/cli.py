"""The `r1lite` command: `r1lite demo`, `r1lite train experiment=r1_zero`, or just `r1lite experiment=r1_zero`."""

from __future__ import annotations

import sys
from importlib import import_module

from r1lite import __version__
from r1lite.registry import unknown

COMMANDS = {
    "train": ("r1lite.train", "train a model; `r1lite train --help` lists the settings"),
    "demo": ("r1lite.train", "run the whole recipe on a tiny model, in minutes; the same command resumes it"),
    "launch": ("r1lite.commands.launch", "start a run with its vLLM servers, here or on a Ray cluster, and end all together"),
    "settings": ("r1lite.commands.settings", "list the settings, or search them"),
    "explain": ("r1lite.commands.explain", "explain a metric or a setting; with run=RUN, show the run's own value"),
    "evaluate": ("r1lite.commands.evaluate", "compare several models on the same problems"),
    "chat": ("r1lite.commands.chat", "chat with a model in the terminal"),
    "export": ("r1lite.commands.export", "write a finished model to a folder or a GGUF file"),
    "report": ("r1lite.commands.report", "write a run as one HTML file: results, curves, findings, rollouts"),
    "watch": ("r1lite.commands.watch", "show a run in a browser while it goes on"),
    "score": ("r1lite.commands.score_file", "score completions from a file or a pipe"),
    "preflight": ("r1lite.commands.preflight", "look at a run before it starts: prompts, pass rates, rules, memory, time"),
    "plan": ("r1lite.commands.plan", "what a run needs before it starts: memory on each rank, seconds of a step"),
    "audit": ("r1lite.commands.audit", "show what the chosen rewards pay for gold answers and for hacks"),
    "rescore": ("r1lite.commands.rescore", "score a run's training rollouts again with other rules, and compare"),
    "reward": ("r1lite.commands.reward", "list rules, explain a verdict, start your own rule"),
}
DEMO = ("experiment=demo", "run_dir=runs/demo")
COMPLETION = ("-sc", "--shell-completion")
HELP = """\
r1lite COMMAND [name=value ...]

{commands}

`r1lite name=value ...` trains, as `r1lite train` does. `r1lite --version` prints the version.
Tab completion in bash: eval "$(r1lite -sc install=bash)"
"""


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if word in ("-h", "--help", "help"):
        print(HELP.format(commands="\n".join(f"  {name:9} {what}" for name, (_, what) in COMMANDS.items())), end="")
    elif word in ("-V", "--version"):
        print(f"r1lite {__version__}")
    else:
        sys.argv[1:] = _arguments(word, sys.argv[2:])
        import_module(COMMANDS.get(word, COMMANDS["train"])[0]).main()


def _arguments(word: str, rest: list[str]) -> list[str]:
    """The arguments of the command itself, without its name; for `demo`, with the settings it stands for."""
    if word == "demo":
        named = {setting.partition("=")[0] for setting in rest}
        return [*(setting for setting in DEMO if setting.partition("=")[0] not in named), *rest]
    if word in COMMANDS:
        return rest
    if word in COMPLETION:
        from r1lite.commands.complete import prepare

        return [word, *prepare(rest, COMMANDS)]
    if "=" not in word and not word.startswith(("-", "~")):
        sys.exit(f"error: {unknown('command', word, COMMANDS)}")
    return [word, *rest]
