"""The rows of the comparison with TRL: the work of both sides, and their settings."""

from __future__ import annotations

from dataclasses import dataclass

TrlSettings = tuple[str, int]  # precision, rollouts in memory at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    title: str
    work: str  # arguments of bench._common.work
    trl: tuple[TrlSettings, ...]  # the fastest is used
    target: float  # the ratio that was aimed for
    dtype: str = "fp32"
    r1lite: str = "rl.micro_batch_tokens=1024"  # settings; this size fits the processor's cache, and takes little memory
    tiny: bool = False


SHORT = "--prompts 4 --prompt-tokens 45 --group 8 --tokens 64"
FP32 = (("fp32", 8), ("fp32", 16), ("fp32", 32))
ROWS = {
    "short_fp32": Row(title="prompts of 45 tokens, fp32", work=SHORT, trl=FP32, target=2.0, r1lite="rl.micro_batch_tokens=768"),
    "short_bf16": Row(
        title="prompts of 45 tokens, bf16",
        work=SHORT,
        trl=(("bf16", 8), ("bf16", 32), ("autocast", 8), ("autocast", 32)),
        target=3.0,
        dtype="bf16",
    ),
    "long": Row(
        title="prompts of 502 tokens, fp32",
        work="--prompts 2 --prompt-tokens 502 --group 8 --tokens 64",
        trl=(("fp32", 4), ("fp32", 8)),
        target=4.5,
    ),
    "no_signal": Row(title="as the first, half of the groups without signal", work=f"{SHORT} --no-signal-share 0.5", trl=FP32, target=3.5),
    "tiny": Row(
        title="tiny base, 512 rollouts of mixed length",
        work="--prompts 64 --prompt-tokens 0 --group 8 --tokens 128 --mixed",
        trl=(("fp32", 64), ("fp32", 128), ("fp32", 512)),
        target=4.0,
        r1lite="",
        tiny=True,
    ),
}
QUICK = "--prompts 2 --prompt-tokens 24 --group 4 --tokens 8"


def quick(row: Row) -> Row:
    """The same row with as little work as possible, on the tiny model."""
    more = " --no-signal-share 0.5" if "no-signal" in row.work else " --mixed" if "--mixed" in row.work else ""
    return Row(
        title=f"quick: {row.title}", work=QUICK + more, trl=row.trl[:1], target=row.target, dtype=row.dtype, r1lite=row.r1lite, tiny=True
    )
