"""Write a finished model to a folder, or to a GGUF file.

    r1lite export RUN_OR_PATH output=FOLDER [dtype=bfloat16]
    r1lite export RUN_OR_PATH output=FILE.gguf format=gguf [dtype=Q8_0]

RUN_OR_PATH is a run directory (meaning the model of its last stage), a folder with a model, a GGUF file, the name of a
shipped model, or a hub name. The folder loads with `AutoModelForCausalLM.from_pretrained`, and includes the chat template,
generation settings and model card. dtype is float32 or bfloat16; without it, the weights keep their dtype.

format=gguf writes a file for llama.cpp, in F16 or Q8_0, of a model with the llama architecture and a byte-level tokenizer.
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
from r1lite.settings.stages import is_test

OPTIONS = ("output", "dtype", "format")
DTYPES = ("float32", "bfloat16")
FORMATS = ("gguf", "safetensors")
CARD = "README.md"


def main() -> None:
    _shell.run(_export, help=__doc__)


def _export(arguments: Sequence[str]) -> None:
    source, options = _parsed(arguments)
    target = export(source, **options)
    load = f"llama-cli -m {target}" if is_gguf(target) else f"AutoModelForCausalLM.from_pretrained({str(target)!r})"
    print(f"exported {source} to {target}. To load it: {load}")


def export(source: str, *, output: str, dtype: str = "", format: str = "safetensors") -> Path:
    """Write the model to a new folder or file, completely or not at all."""
    from r1lite.store.files import atomic

    if format not in FORMATS:
        raise ValueError(unknown("format", format, FORMATS))
    known = GGUF_DTYPES if format == "gguf" else DTYPES
    if dtype and dtype not in known:
        raise ValueError(unknown("dtype", dtype, known))
    if (format == "gguf") != is_gguf(output):
        raise ValueError(
            f"output={output} does not match format={format}: the name of a GGUF file ends in .gguf, that of a folder does not"
        )
    where, folder = find(source), Path(output).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists already; set output= to a new or empty folder")
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
            note = f"\nExported with {dtype} weights; any figures above were measured before that.\n" if dtype else ""
            (part / CARD).write_text(card + note, encoding="utf-8")
    return folder


def find(source: str) -> str:
    """The path or hub name of a model, given a run, a stage's folder, a folder with a model, or a name."""
    from r1lite.models.pretrained import locate

    folder = Path(source).expanduser()
    if (folder / "summary.json").is_file():
        entries = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["stages"]
        last = next((entry for entry in reversed(entries) if not is_test(entry["name"])), entries[-1])
        inside = folder / last["weights"]
        return _generates_text(str(inside) if inside.is_dir() else locate(last["weights"]))
    if (folder / "final" / "config.json").is_file():
        return _generates_text(str(folder / "final"))
    if (folder / "config.yaml").is_file() and not (folder / "config.json").is_file():
        raise ValueError(f"the run {folder} has not finished a stage yet")
    return _generates_text(locate(source))


def run_of(source: str) -> Path | None:
    """The run directory, if the source is one or is inside one (<run>/<stage>/final)."""
    folder = Path(source).expanduser().resolve()
    candidates = (folder, *folder.parents[:2])
    return next((f for f in candidates if (f / "config.yaml").is_file() and (f / "summary.json").is_file()), None)


def _generates_text(weights: str) -> str:
    """The same path; ValueError if the model is a reward model."""
    config = Path(weights) / "config.json"
    architectures = json.loads(config.read_text(encoding="utf-8")).get("architectures") or [] if config.is_file() else []
    if any(name.endswith("ForSequenceClassification") for name in architectures):
        raise ValueError(f"{weights} is a reward model: it scores text and cannot generate any")
    return weights


def load(where: str, dtype: str) -> tuple[Any, Any]:
    """The model and its tokenizer. Without a dtype, the weights keep theirs."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from r1lite.console import quiet_transformers

    quiet_transformers()
    if is_gguf(where):
        import torch

        return read_model(Path(where), dtype=getattr(torch, dtype or "float32")), read_tokenizer(Path(where))
    try:
        return AutoModelForCausalLM.from_pretrained(where, dtype=dtype or "auto"), AutoTokenizer.from_pretrained(where)
    except OSError as error:
        raise ValueError(f"{where} cannot be loaded: {str(error).splitlines()[0]}") from error


def _parsed(arguments: Sequence[str]) -> tuple[str, Mapping[str, str]]:
    sources = [a for a in arguments if "=" not in a]
    options = _shell.parse_settings([a for a in arguments if "=" in a], OPTIONS)
    if len(sources) != 1 or "output" not in options:
        raise ValueError("name one model, and where to write it: r1lite export RUN_OR_PATH output=FOLDER")
    return sources[0], options


if __name__ == "__main__":
    main()
