"""A data set named owner/name, as the hub's library keeps it once it was fetched: so it can be loaded without a network."""

import json
import shutil
from pathlib import Path

from datasets import load_dataset

rows = [{"prompt": f"{n} + 1", "answer": str(n + 1)} for n in range(40)]
Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
load_dataset("json", data_files={"train": "rows.jsonl", "test": "rows.jsonl"}, cache_dir="made")
(made,) = Path("made").glob("json/*/*/*/dataset_info.json")
kept = Path("hub/owner___name/default/0.0.0/0")
kept.mkdir(parents=True)
for file in made.parent.glob("json-*.arrow"):
    shutil.copy(file, kept / file.name.replace("json-", "name-", 1))
info = json.loads(made.read_text()) | {"config_name": "default", "dataset_name": "name"}
(kept / "dataset_info.json").write_text(json.dumps(info))
