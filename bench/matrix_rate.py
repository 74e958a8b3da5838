"""How many floating-point operations a second this machine's matrix units do: the limit that others are held against.

    python -m bench.matrix_rate [--dtype fp32 bf16] [--device cpu] [--model-shape smollm2-135m] [--threads 2]

Products of a model's own shapes (the rows of a decoding step, of a training micro-batch, the output head) and of big
squares, in two ways: as torch's linear layers compute them, and on the CPU by oneDNN called directly, which on some
processors is twice as fast in float32. Of each the best of several repetitions. The limit of a precision is its best
product by the better way, so that a share of it is never flattered. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import torch

from bench._common.cost import DTYPES, settled
from bench._common.process import table

# rows x inner x columns
SQUARES = ((1024, 1024, 1024), (2048, 2048, 2048), (4096, 4096, 4096))
MODELS = {  # hidden, intermediate, vocabulary
    "tiny_base": (128, 384, 265),
    "smollm2-135m": (576, 1536, 49152),
    "qwen2.5-0.5b": (896, 4864, 151936),
    "qwen2.5-1.5b": (1536, 8960, 151936),
}
DECODING_ROWS, TRAINING_ROWS = 64, 2048
SECONDS = 0.25  # for each shape, at least
REPETITIONS = 3  # of each shape, at least

Product = tuple[int, int, int]


def main() -> None:
    options = parsed()
    if options.threads:
        torch.set_num_threads(options.threads)
    products = products_of(options.model_shape)
    columns = [(dtype, way) for dtype in options.dtype for way in ways(options.device)]
    rates = {(dtype, way): {p: rate(p, DTYPES[dtype], options.device, way) for p in products} for dtype, way in columns}
    shown = [[" x ".join(map(str, p)), *(f"{rates[column][p]:,.0f}" for column in columns)] for p in products]
    print(table(["rows x inner x columns, GFLOP/s", *(f"{dtype}, {way}" for dtype, way in columns)], shown))
    best = {column: round(max(of.values()), 1) for column, of in rates.items()}
    print(json.dumps({dtype: {way: best[dtype, way] for way in ways(options.device)} for dtype in options.dtype}))


def ways(device: str) -> tuple[str, ...]:
    return ("linear", "onednn") if device == "cpu" and torch.backends.mkldnn.is_available() else ("linear",)


def products_of(model: str) -> list[Product]:
    hidden, intermediate, vocab = MODELS[model]
    of_model = [(rows, hidden, columns) for rows in (DECODING_ROWS, TRAINING_ROWS) for columns in (intermediate, hidden)]
    return [*of_model, (TRAINING_ROWS, intermediate, hidden), (DECODING_ROWS, hidden, vocab), *SQUARES]


def rate(product: Product, dtype: torch.dtype, device: str, way: str) -> float:
    """GFLOP/s of the best repetition, weights as a linear layer keeps them."""
    rows, inner, columns = product
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(rows, inner, generator=generator).to(device, dtype)
    weights = torch.randn(columns, inner, generator=generator).to(device, dtype)
    multiply: Any = torch.nn.functional.linear
    if way == "onednn":
        states, weights, multiply = states.to_mkldnn(), weights.to_mkldnn(), torch.ops.aten.mkldnn_linear
    again = max(1, int(2e8 / (rows * inner * columns)))  # a clock reads nothing shorter well
    best, begun, done = float("inf"), time.perf_counter(), 0
    with torch.inference_mode():
        multiply(states, weights)
        while done < REPETITIONS or time.perf_counter() - begun < SECONDS:
            settled()
            start = time.perf_counter()
            for _ in range(again):
                multiply(states, weights)
            settled()
            best, done = min(best, (time.perf_counter() - start) / again), done + 1
    return 2 * rows * inner * columns / best / 1e9


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", nargs="+", choices=sorted(DTYPES), default=["fp32", "bf16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model-shape", choices=sorted(MODELS), default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=0, help="0 leaves torch's own choice")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
