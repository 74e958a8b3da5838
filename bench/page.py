"""Measures the page of a large run: how long it takes to make, with how much memory, how large it is, and how fast it filters.

    python -m bench.page [--rollouts 100000] [--tokens 120] [--folder FOLDER]

Writes a run directory of that many rollouts, then runs `r1lite report` on it in a process of its own, and opens the page in
Chromium, if that and selenium are installed, where each filter is set as a user does. Filters are reported as the browser measures
them: from the event to the new list.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from r1lite.config import PACKAGE
from r1lite.store.ledger import Ledger
from r1lite.types import Problem, Rollout, Scored, Verdict

GROUP, PROMPTS = 8, 64
WORD_TOKENS = 20  # of a phrase of the responses
FILTERS = {"text": "step 17 of the", "outcome": "wrong", "from": "20", "problem": "p12", "low": "0.5", "sort": "surprise"}
SET = """
document.querySelector(".filters [type=reset]").click();
const field = document.querySelector(`[data-filter="${arguments[0]}"]`);
field.value = arguments[1];
const before = performance.now();
field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", {bubbles: true}));
document.body.getBoundingClientRect();
return [performance.now() - before, document.getElementById("found").textContent];"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=100_000)
    parser.add_argument("--tokens", type=int, default=120)
    parser.add_argument("--folder", type=Path, help="keep the run and the page here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "run" / "config.yaml").exists():
            write_run(folder / "run", given.rollouts, given.tokens)
        print(json.dumps(made(folder) | filtered(folder / "page.html"), indent=1))


def write_run(folder: Path, rollouts: int, tokens: int) -> None:
    ledger, draw = Ledger(folder / "rl" / "rollouts", "rl"), random.Random(0)
    lines = []
    for step in range(1, rollouts // (GROUP * PROMPTS) + 2):
        groups = [group(f"p{draw.randrange(1000)}", tokens, draw) for _ in range(PROMPTS)]
        ledger.write(step, groups)
        lines.append({"stage": "rl", "step": step, "reward/mean": step / 200, "entropy": 1 / step, "response/length_mean": float(tokens)})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "config.yaml").write_text("model: {path: tiny_base}\n")


def group(name: str, tokens: int, draw: random.Random) -> list[Scored]:
    problem, rate = Problem(id=name, prompt=f"What is {name}?", answer="42"), draw.random()
    return [scored(problem, index, draw.random() < rate, tokens, draw) for index in range(GROUP)]


def scored(problem: Problem, index: int, right: bool, tokens: int, draw: random.Random) -> Scored:
    words = " ".join(f"step {draw.randrange(1000)} of the way" for _ in range(tokens // WORD_TOKENS))
    text = f"<think>{words}</think><answer>{42 if right else 7}</answer>"
    ids = tuple(tokenizer().encode(text).ids)
    logprobs = tuple(-draw.expovariate(5.0) for _ in ids)
    rollout = Rollout(problem_id=problem.id, index=index, prompt_ids=(1,) * 20, token_ids=ids, logprobs=logprobs, text=text)
    verdicts = {"answer": Verdict(value=float(right), why=f"extracted '{42 if right else 7}'"), "format": Verdict(value=1.0)}
    return Scored(problem=problem, rollout=rollout, reward=float(right) + 0.1, verdicts=verdicts, right=right)


@cache
def tokenizer() -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(PACKAGE / "assets" / "tiny_base" / "tokenizer.json"))


def made(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", "from r1lite.cli import main; main()", "report", str(folder / "run"), f"output={folder / 'page.html'}"]
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_MB": round(after.ru_maxrss / 1024),
        "page_MB": round((folder / "page.html").stat().st_size / 1e6, 2),
    }


def filtered(page: Path) -> dict[str, Any]:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        return {"filters": "not measured: no chromium and chromedriver"}
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = browser
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(word)
    chrome = Chrome(options=options, service=Service(driver))
    try:
        started = time.perf_counter()
        chrome.get(page.resolve().as_uri())
        while not chrome.execute_script("return document.documentElement.dataset.ready"):
            time.sleep(0.02)
        opened = round(time.perf_counter() - started, 2)
        first = {name: chrome.execute_script(SET, name, value) for name, value in FILTERS.items()}
    finally:
        chrome.quit()
    return {"seconds_to_open": opened, "filters_ms": {name: [round(ms), found] for name, (ms, found) in first.items()}}


if __name__ == "__main__":
    main()
