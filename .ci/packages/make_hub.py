"""Makes a data set named owner/name in the cache of the library datasets, so that it loads without a network."""

import json
import shutil
from pathlib import Path

from datasets import load_dataset

rows = [{"prompt": f"{n} + 1", "answer": str(n + 1)} for n in range(40)]
Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
load_dataset("json", data_files={"train": "rows.jsonl", "test": "rows.jsonl"}, cache_dir="made")
(info_file,) = Path("made").glob("json/*/*/*/dataset_info.json")
target = Path("hub/owner___name/default/0.0.0/0")
target.mkdir(parents=True)
for file in info_file.parent.glob("json-*.arrow"):
    shutil.copy(file, target / file.name.replace("json-", "name-", 1))
info = json.loads(info_file.read_text()) | {"config_name": "default", "dataset_name": "name"}
(target / "dataset_info.json").write_text(json.dumps(info))
