"""A finished model as a folder, or a file, of its own.

    r1lite export RUN_OR_PATH output=FOLDER [dtype=bfloat16]
    r1lite export RUN_OR_PATH output=FILE.gguf format=gguf [dtype=Q8_0]

RUN_OR_PATH is a run directory (its last stage's model is taken), a folder with a model, the name of a shipped model, or
a hub name. The folder loads with `AutoModelForCausalLM.from_pretrained`; chat template, generation settings and
model card come along. dtype is float32 or bfloat16; without it the weights stay what they are.

format=gguf writes one file for llama.cpp, in F16 or Q8_0: models of the llama architecture with a byte-level tokenizer.
RUN_OR_PATH may be a GGUF file itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1lite.commands import _shell
from r1lite.models.gguf_read import is_gguf, read_model, read_tokenizer
from r1lite.models.gguf_write import GGUF_DTYPES, write_gguf
from r1lite.registry import unknown
from r1lite.settings.rounds import kind_of

OPTIONS = ("output", "dtype", "format")
DTYPES = ("float32", "bfloat16")
FORMATS = ("gguf", "safetensors")
CARD = "README.md"


def main() -> None:
    _shell.run(_export, help=__doc__)


def _export(words: Sequence[str]) -> None:
    source, options = _understood(words)
    folder = export(source, **options)
    load = f"llama-cli -m {folder}" if is_gguf(folder) else f"AutoModelForCausalLM.from_pretrained({str(folder)!r})"
    print(f"{folder} holds the model of {source}: {load}")


def export(source: str, *, output: str, dtype: str = "", format: str = "safetensors") -> Path:
    """Write the model to a new folder, or file, which is there as a whole or not at all."""
    from r1lite.store.files import atomic

    if format not in FORMATS:
        raise ValueError(unknown("format", format, FORMATS))
    known = GGUF_DTYPES if format == "gguf" else DTYPES
    if dtype and dtype not in known:
        raise ValueError(unknown("dtype", dtype, known))
    if (format == "gguf") != is_gguf(output):
        raise ValueError(f"output={output} and format={format} do not fit: a GGUF file ends in .gguf, and a folder does not")
    where, folder = find(source), Path(output).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there already; give output= a folder that is not, or an empty one")
    model, tokenizer = load(where, "" if format == "gguf" else dtype)
    if format == "gguf":
        with atomic(folder) as part:
            write_gguf(model, tokenizer, part, dtype or "F16")
        return folder
    with atomic(folder) as part:
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        if (Path(where) / CARD).is_file():
            card = (Path(where) / CARD).read_text(encoding="utf-8")
            said = f"\nExported with {dtype} weights; any figures above are of the weights before that.\n" if dtype else ""
            (part / CARD).write_text(card + said, encoding="utf-8")
    return folder


def find(source: str) -> str:
    """Where the model lies that the user means: by a run, by one of its stages, by a folder, or by a name."""
    from r1lite.models.pretrained import locate

    folder = Path(source).expanduser()
    if (folder / "summary.json").is_file():
        entries = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["stages"]
        last = next((entry for entry in reversed(entries) if kind_of(entry["name"]) != "evaluate"), entries[-1])
        inside = folder / last["weights"]
        return _model(str(inside) if inside.is_dir() else locate(last["weights"]))
    if (folder / "final" / "config.json").is_file():
        return _model(str(folder / "final"))
    if (folder / "config.yaml").is_file() and not (folder / "config.json").is_file():
        raise ValueError(f"the run {folder} has not finished a stage yet")
    return _model(locate(source))


def run_of(source: str) -> Path | None:
    """The run directory that this is, or that the model lies in (<run>/<stage>/final)."""
    folder = Path(source).expanduser().resolve()
    around = (folder, *folder.parents[:2])
    return next((f for f in around if (f / "config.yaml").is_file() and (f / "summary.json").is_file()), None)


def _model(where: str) -> str:
    """The same place; a model that writes no text is refused."""
    settings = Path(where) / "config.json"
    kinds = json.loads(settings.read_text(encoding="utf-8")).get("architectures") or [] if settings.is_file() else []
    if any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise ValueError(f"{where} is a reward model: it scores text, and writes none")
    return where


def load(where: str, dtype: str) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet()
    if is_gguf(where):
        import torch

        return read_model(Path(where), dtype=getattr(torch, dtype or "float32")), read_tokenizer(Path(where))
    try:
        return AutoModelForCausalLM.from_pretrained(where, dtype=dtype or "auto"), AutoTokenizer.from_pretrained(where)
    except OSError as error:
        raise ValueError(f"{where} cannot be loaded: {str(error).splitlines()[0]}") from error


def quiet() -> None:
    """No progress bars and no advice from transformers."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _understood(words: Sequence[str]) -> tuple[str, Mapping[str, str]]:
    sources, options = [w for w in words if "=" not in w], {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name not in OPTIONS:
            raise ValueError(unknown("setting of `r1lite export`:", name, OPTIONS))
        if equals:
            options[name] = value
    if len(sources) != 1 or "output" not in options:
        raise ValueError("what, and where to? r1lite export RUN_OR_PATH output=FOLDER")
    return sources[0], options


if __name__ == "__main__":
    main()
