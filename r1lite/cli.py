"""The `r1lite` command: `r1lite train experiment=demo`, or any setting straight away."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "train": ("r1lite.train", "train; `r1lite train --help` lists the settings"),
    "evaluate": ("r1lite.commands.evaluate", "tables of several models side by side, on the same problems"),
    "chat": ("r1lite.commands.chat", "ask a model in the terminal"),
    "export": ("r1lite.commands.export", "a finished model as a folder of its own"),
    "score": ("r1lite.commands.score_file", "score completions in a file, or in a pipe"),
    "audit": ("r1lite.commands.audit", "what the chosen rewards pay for gold answers and for hacks"),
    "reward": ("r1lite.commands.reward", "list rules, explain a verdict, begin a rule of your own"),
}


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if word in ("-h", "--help", "help"):
        print("r1lite COMMAND [name=value ...]\n")
        print("\n".join(f"  {name:8} {what}" for name, (_, what) in COMMANDS.items()))
        return
    if word in COMMANDS:
        del sys.argv[1]
    import_module(COMMANDS.get(word, COMMANDS["train"])[0]).main()
