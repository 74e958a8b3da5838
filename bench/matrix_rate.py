"""Measures the matrix rate: floating-point operations per second in matrix products, the limit for sampling and training.

    python -m bench.matrix_rate [--dtype fp32 bf16] [--device cpu] [--model-shape smollm2-135m] [--threads 2]

Multiplies matrices of a model's shapes (a decoding step, a training micro-batch, the output head) and large square ones, in
two ways: with torch's linear layers, and on the CPU also with oneDNN called directly, which is twice as fast in float32 on
some processors. The best of several repetitions counts. The matrix rate of a precision is that of its fastest product in
either way, so that shares of it are not overstated. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import torch

from bench._common.cost import DTYPES, synchronize
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
SECONDS = 0.25  # minimum time for each shape
REPETITIONS = 3  # minimum repetitions of each shape

Product = tuple[int, int, int]


def main() -> None:
    options = parsed()
    if options.threads:
        torch.set_num_threads(options.threads)
    products = products_of(options.model_shape)
    columns = [(dtype, way) for dtype in options.dtype for way in ways(options.device)]
    rates = {(dtype, way): {p: rate(p, DTYPES[dtype], options.device, way) for p in products} for dtype, way in columns}
    rows = [[" x ".join(map(str, p)), *(f"{rates[column][p]:,.0f}" for column in columns)] for p in products]
    print(table(["rows x inner x columns, GFLOP/s", *(f"{dtype}, {way}" for dtype, way in columns)], rows))
    best = {column: round(max(by_product.values()), 1) for column, by_product in rates.items()}
    print(json.dumps({dtype: {way: best[dtype, way] for way in ways(options.device)} for dtype in options.dtype}))


def ways(device: str) -> tuple[str, ...]:
    return ("linear", "onednn") if device == "cpu" and torch.backends.mkldnn.is_available() else ("linear",)


def products_of(model: str) -> list[Product]:
    hidden, intermediate, vocab = MODELS[model]
    layers = [(rows, hidden, columns) for rows in (DECODING_ROWS, TRAINING_ROWS) for columns in (intermediate, hidden)]
    return [*layers, (TRAINING_ROWS, intermediate, hidden), (DECODING_ROWS, hidden, vocab), *SQUARES]


def rate(product: Product, dtype: torch.dtype, device: str, way: str) -> float:
    """GFLOP/s of the best repetition. Weights have the layout of a linear layer."""
    rows, inner, columns = product
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(rows, inner, generator=generator).to(device, dtype)
    weights = torch.randn(columns, inner, generator=generator).to(device, dtype)
    multiply: Any = torch.nn.functional.linear
    if way == "onednn":
        states, weights, multiply = states.to_mkldnn(), weights.to_mkldnn(), torch.ops.aten.mkldnn_linear
    repeats = max(1, int(2e8 / (rows * inner * columns)))  # shorter times cannot be measured accurately
    best, started, done = float("inf"), time.perf_counter(), 0
    with torch.inference_mode():
        multiply(states, weights)
        while done < REPETITIONS or time.perf_counter() - started < SECONDS:
            synchronize()
            start = time.perf_counter()
            for _ in range(repeats):
                multiply(states, weights)
            synchronize()
            best, done = min(best, (time.perf_counter() - start) / repeats), done + 1
    return 2 * rows * inner * columns / best / 1e9


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", nargs="+", choices=sorted(DTYPES), default=["fp32", "bf16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model-shape", choices=sorted(MODELS), default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=0, help="0 uses torch's default")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
