"""The rows of the comparison with TRL: what both sides do, and what theirs may choose from."""

from __future__ import annotations

from dataclasses import dataclass

Settings = tuple[str, int]  # of TRL: precision, rollouts in memory at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    what: str
    work: str
    theirs: tuple[Settings, ...]
    reach: float  # the ratio that is asked for
    dtype: str = "fp32"
    ours: str = "rl.micro_batch_tokens=1024"  # settings; what fits a cache of this machine and little memory
    tiny: bool = False


SHORT = "--prompts 4 --prompt-tokens 45 --group 8 --tokens 64"
FP32 = (("fp32", 8), ("fp32", 16), ("fp32", 32))
ROWS = {
    "short_fp32": Row(what="prompts of 45 tokens, fp32", work=SHORT, theirs=FP32, reach=2.0, ours="rl.micro_batch_tokens=768"),
    "short_bf16": Row(
        what="prompts of 45 tokens, bf16",
        work=SHORT,
        theirs=(("bf16", 8), ("bf16", 32), ("autocast", 8), ("autocast", 32)),
        reach=3.0,
        dtype="bf16",
    ),
    "long": Row(
        what="prompts of 502 tokens, fp32",
        work="--prompts 2 --prompt-tokens 502 --group 8 --tokens 64",
        theirs=(("fp32", 4), ("fp32", 8)),
        reach=4.5,
    ),
    "no_signal": Row(what="as the first, half of the groups without signal", work=f"{SHORT} --no-signal-share 0.5", theirs=FP32, reach=3.5),
    "tiny": Row(
        what="tiny base, 512 rollouts of mixed length",
        work="--prompts 64 --prompt-tokens 0 --group 8 --tokens 128 --mixed",
        theirs=(("fp32", 64), ("fp32", 128), ("fp32", 512)),
        reach=4.0,
        ours="",
        tiny=True,
    ),
}
QUICK = "--prompts 2 --prompt-tokens 24 --group 4 --tokens 8"


def quick(row: Row) -> Row:
    more = " --no-signal-share 0.5" if "no-signal" in row.work else " --mixed" if "--mixed" in row.work else ""
    return Row(
        what=f"quick: {row.what}", work=QUICK + more, theirs=row.theirs[:1], reach=row.reach, dtype=row.dtype, ours=row.ours, tiny=True
    )
