"""Start-up time and memory with a large file of problems: from a fresh process to the first 64 prompts.

    python -m bench.data_start [rows=1000000] [folder=/tmp/r1lite_data]

Writes the file first, as Parquet and as JSON Lines. A start builds the task, reads every row once (to find invalid rows,
and to split by the hash of each prompt), and takes 64 prompts in the feed's order, with the tiny model's tokenizer. The
second line of each file is a start with decontamination. The target is 20 seconds and 2 GB for a million rows.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random

WORDS = "a ferry carries cars boxes rows of seven plants on each trip and then returns with half as many how are there now".split()


def write_problems(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    random, written = Random(0), 0
    schema = pa.schema([("prompt", pa.string()), ("answer", pa.string()), ("source", pa.string()), ("level", pa.int64())])
    with pq.ParquetWriter(path, schema) as file, path.with_suffix(".jsonl").open("w", encoding="utf-8") as lines:
        while written < rows:
            count = min(50_000, rows - written)
            chunk = [row(random, written + i) for i in range(count)]
            file.write_table(pa.Table.from_pylist(chunk, schema=schema))
            lines.writelines(json.dumps(problem) + "\n" for problem in chunk)
            written += count


def row(random: Random, index: int) -> dict[str, object]:
    prompt = f"{index}: " + " ".join(random.choices(WORDS, k=random.randint(30, 80)))
    return {"prompt": prompt, "answer": str(random.randrange(10_000)), "source": f"book {index % 97}", "level": index % 5}


def start(path: Path, against: str) -> None:
    """Called in a fresh process: prints seconds from here on, and the peak of memory, imports included."""
    begun = time.perf_counter()
    from r1lite.build import training_problems
    from r1lite.config import PromptConfig
    from r1lite.data.feed import Feed
    from r1lite.models.tiny import build_tokenizer
    from r1lite.prompt import Prompter
    from r1lite.settings.compose import configuration

    imported = time.perf_counter()
    settings = [f"data.decontaminate_against=[{against}]"] if against else []
    cfg = configuration(["task=dataset", f"task.path={path}", *settings])
    feed = Feed(
        training_problems(cfg),
        seed="0/rl",
        prompter=Prompter(tokenizer=build_tokenizer()),
        limits=PromptConfig(max_tokens=4096, too_long="skip"),
    )
    taken = feed.take(64)
    seconds, peak = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert len(taken) == 64
    what = "decontaminated start" if against else "start"
    print(
        f"{path.suffix[1:]:8} {what:22} {len(feed.problems):9,} training problems  "
        f"{seconds:6.1f} s ({imported - begun:.1f} s of imports), {time.process_time():.1f} s of processor time; peak {peak:.2f} GB"
    )


def main() -> None:
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    rows, folder = int(options.get("rows", 1_000_000)), Path(options.get("folder", "/tmp/r1lite_data"))
    if "start" in options:
        start(Path(options["start"]), options.get("against", ""))
        return
    folder.mkdir(parents=True, exist_ok=True)
    path, held_out = folder / f"problems-{rows}.parquet", folder / "held_out.jsonl"
    if not path.with_suffix(".jsonl").is_file():
        write_problems(path, rows)
    held_out.write_text("".join(json.dumps({"question": row(Random(i), 10**9 + i)["prompt"]}) + "\n" for i in range(1000)))
    print(
        f"{rows:,} rows: {path.stat().st_size / 1e6:.0f} MB of Parquet, {path.with_suffix('.jsonl').stat().st_size / 1e6:.0f} MB of jsonl"
    )
    for file in (path, path.with_suffix(".jsonl")):
        for against in ("", str(held_out)):
            subprocess.run([sys.executable, "-m", "bench.data_start", f"start={file}", f"against={against}"], check=True)


if __name__ == "__main__":
    main()
