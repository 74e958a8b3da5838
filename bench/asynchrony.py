"""What waiting costs: servers and trainer without and with asynchronous sampling. Servers are stubs with real delays.

    python -m bench.asynchrony [--servers 64] [--slots 8] [--seconds 4] [--train-seconds 6] [--steps 20] [--lags 0 1 4] [--ranks 1]

Training is a pause; everything between is r1lite's own: the order of groups, HTTP, updates of weights, the bound on staleness, and what
ranks exchange. Prints, for each lag, the completions per second, what `r1lite plan` expects of the same rates, the share of the time in
which a server had no request, and the largest staleness; then the seconds of an update of 1, 8 and all servers.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from bench._common.process import HOME, table
from r1lite.build import make_prompter, make_sampler
from r1lite.data.feed import Feed
from r1lite.models import pretrained
from r1lite.parallel import guard, meeting, world
from r1lite.parallel.launch import launch
from r1lite.planning.seconds import total
from r1lite.rl.asynchronous import Asynchronous
from r1lite.rl.collect import Collected, collect
from r1lite.rl.prefetch import Prefetcher
from r1lite.settings.compose import configuration
from r1lite.types import Group, Problem, Scored, Verdict


class Scorer:
    """Scores at once."""

    def submit(self, group: Group) -> Group:
        return group

    def scored(self, group: Group, job: Group) -> list[Scored]:
        verdict = Verdict(value=0.0)
        return [Scored(problem=group.problem, rollout=r, reward=float(r.index % 2), verdicts={"stub": verdict}) for r in group.rollouts]

    def ask(self, groups: Iterator[Group]) -> list[Group]:
        return list(groups)

    def wait(self, groups: list[Group]) -> list[list[Scored]]:
        return [self.scored(group, group) for group in groups]

    def count(self, groups: Any) -> None:
        """Nothing fails."""

    def broken(self) -> None:
        """Nothing fails."""


def main(argv: Sequence[str] | None = None) -> None:
    options = parsed(argv)
    if options.urls:
        run_as_rank(options)
        return
    words = list(sys.argv[1:] if argv is None else argv)
    rows = [run(lag, words, options) for lag in options.lags]
    print(table(["rl.lag", "completions/s", "as planned", "share", "idle share of servers", "most stale", "seconds of a step"], rows))
    counts = sorted({1, min(8, options.servers), options.servers})
    print(table(["servers", "seconds of an update"], [[str(count), f"{update_seconds(count, options):.2f}"] for count in counts]))


def run(lag: int, words: Sequence[str], options: argparse.Namespace) -> list[str]:
    """One line of the table, from a run of all ranks."""
    with servers(options.servers, options) as urls, NamedTemporaryFile("r", suffix=".json") as result:
        command = [sys.executable, "-m", "bench.asynchrony", *words, "--lags", str(lag), "--result", result.name, "--urls", *urls]
        assert launch(options.ranks, command) == 0
        measured = json.load(result)
    rollouts = options.prompts * options.group
    work = rollouts * options.seconds / (options.servers * options.slots)
    planned = total({"sampling": work, "training": options.train_seconds, "sync": options.update_seconds}, ahead=lag > 0)
    rate, expected = rollouts / measured["seconds"], rollouts / planned
    name = f"{lag}{', asynchronous' if lag > 1 else ''}"
    shares = [f"{rate / expected:.0%}", f"{measured['idle']:.1%}"]
    return [name, f"{rate:.1f}", f"{expected:.1f}", *shares, str(measured["stale"]), f"{measured['seconds']:.2f}"]


def run_as_rank(options: argparse.Namespace) -> None:
    """Take part as one of the ranks; the leader writes the result."""
    (lag,) = options.lags
    meeting.join(300.0)
    with guard.guarded():
        source, _ = opened(lag, options.urls, options)
        seconds, idle, stale = [], [], []
        with source:
            source.sync(0, []) if isinstance(source, Prefetcher) else source.resume(0, (), [])
            for step in range(1, options.steps + 1):
                begun = time.perf_counter()
                collected = source.take(step)
                time.sleep(options.train_seconds)
                source.sync(step, [])
                seconds.append(time.perf_counter() - begun)
                idle.append(collected.prompts["sampler/idle_share"])
                stale.append(staleness_of(collected, step))
        if world.is_leader():
            # At the beginning more groups are asked for than a step trains, and at the end fewer.
            seconds, idle = seconds[: options.steps - lag][lag + 1 :], idle[: options.steps - lag][lag + 1 :]
            result = {"seconds": statistics.fmean(seconds), "idle": statistics.fmean(idle), "stale": max(stale)}
            Path(options.result).write_text(json.dumps(result))
    meeting.leave()


def opened(lag: int, urls: Sequence[str], options: argparse.Namespace) -> tuple[Any, Any]:
    named = [f"sampler.urls=[{','.join(urls)}]", f"rl.lag={lag}", f"rl.group_size={options.group}", f"rl.steps={options.steps}"]
    cfg = configuration(["sampler=vllm_server", f"rl.prompts_per_step={options.prompts}", "sampler.max_rows=2048", *named])
    model, tokenizer = pretrained.load("tiny_base", cfg.model)
    sampler = make_sampler(model, make_prompter(tokenizer, cfg), cfg)
    problems = [Problem(id=str(i), prompt=f"{i} + 1") for i in range(4096)]
    feed = Feed(problems, seed="0", prompter=sampler.prompter, limits=cfg.prompt)
    scorer: Any = Scorer()
    if lag > 1:
        return Asynchronous(sampler, scorer, feed, cfg.rl, rows=options.servers * options.slots * 2, probes=0, refill=0), sampler
    return Prefetcher(partial(collect, sampler, scorer, feed, cfg.rl, 0), sampler, lag=lag, last=options.steps), sampler


def staleness_of(collected: Collected, step: int) -> int:
    return max(step - scored.rollout.version for group in collected.groups for scored in group)


def update_seconds(count: int, options: argparse.Namespace) -> float:
    with servers(count, options) as urls:
        _, sampler = opened(0, urls, options)
        sampler.load([])
        begun = time.perf_counter()
        sampler.load([])
        return time.perf_counter() - begun


@contextmanager
def servers(count: int, options: argparse.Namespace) -> Iterator[list[str]]:
    words = [f"--servers={count}", f"--slots={options.slots}", f"--seconds={options.seconds}", f"--longest={options.longest}"]
    words.append(f"--update-seconds={options.update_seconds}")
    command = [sys.executable, "-m", "bench._common.stub_servers", *words]
    with subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=64)
    parser.add_argument("--slots", type=int, default=8, help="completions that a server works on at once")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a completion, in the mean")
    parser.add_argument("--longest", type=float, default=math.inf, help="completion, in means: what sampler.max_tokens cuts off")
    parser.add_argument("--update-seconds", type=float, default=0.2, help="in which a server loads weights")
    parser.add_argument("--train-seconds", type=float, default=6.0, help="of a step")
    parser.add_argument("--prompts", type=int, default=128)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--ranks", type=int, default=1, help="of the trainer")
    parser.add_argument("--urls", nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--result", default="", help=argparse.SUPPRESS)
    parser.add_argument("--lags", type=int, nargs="+", default=[0, 1, 4])
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
