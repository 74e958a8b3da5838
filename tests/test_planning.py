"""What a plan counts, against what torch, the optimiser, the packing and the cache really hold."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache

import r1lite.models.cpu.recompute
from bench.plan import config_of
from r1lite.config import Config, ModelConfig
from r1lite.learning.forward import states_after_shared_prompts
from r1lite.learning.optimiser import Optimiser
from r1lite.learning.packing import pack, pack_by_prompt, padded_tokens
from r1lite.models.adapters import prepare, trainable_parameters, trunk_of
from r1lite.models.pretrained import use_fast_layers
from r1lite.planning import activations, memory
from r1lite.planning.advice import advise, changed
from r1lite.planning.machine import CARDS, NETWORK_RATE, machine_of
from r1lite.planning.plan import plan, shape_of, typed_shape
from r1lite.planning.seconds import GPU
from r1lite.planning.shape import Shape, adapter_weights, trained_weights
from r1lite.planning.work import Job, MicroBatch, cached_bytes, decoded_rows, jobs, micro_batch, micro_batches
from r1lite.sampling.native.cache import SlotCache
from r1lite.sampling.native.llama_step import LlamaStep
from r1lite.types import Batch, Prompts, Sample, Totals

ROWS, PROMPT, RESPONSE = 4, 8, 12
SHAPE = Shape(hidden=32, layers=1, heads=4, kv_heads=2, head_dim=12, intermediate=40, vocab=50)
KINDS = ("llama", "qwen2", "qwen3")
EIGHT_B = Shape(hidden=4096, layers=32, heads=32, kv_heads=8, head_dim=128, intermediate=14336, vocab=128256)


@pytest.fixture(autouse=True)
def every_size_recomputes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r1lite.models.cpu.recompute, "SMALL", 0)


def built(shape: Shape, cfg: ModelConfig, *, fast: bool = True) -> Any:
    model: Any = AutoModelForCausalLM.from_config(
        config_of(shape), dtype=torch.bfloat16 if cfg.dtype == "bfloat16" else torch.float32
    ).eval()
    if fast:
        use_fast_layers(model, cfg)
    return prepare(model, cfg, seed=0)


def job_of(shape: Shape, cfg: Config, *, stage: str = "rl", ranks: int = 1, on_gpu: bool = False, prompt: int = PROMPT) -> Job:
    return jobs(shape, replace(cfg, stages=[stage]), ranks=ranks, on_gpu=on_gpu, prompt=prompt)[0]


def saved_bytes(model: Any, function: Any) -> int:
    """Bytes of the tensors that the backward pass will read, other than the model's own, as torch saves them."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    saved: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if (address := tensor.untyped_storage().data_ptr()) not in own:
            saved[address] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = function()
    assert result is not None
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


def of_one_layer(shape: Shape, cfg: ModelConfig, function: Any, *, fast: bool = True) -> int:
    """What a second layer adds."""
    one, two = (built(replace(shape, layers=layers), cfg, fast=fast) for layers in (1, 2))
    return saved_bytes(two, lambda: function(two)) - saved_bytes(one, lambda: function(one))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("rank", [0, 3])
def test_weights_are_those_of_the_model(kind: str, tied: bool, rank: int) -> None:
    shape, cfg = replace(SHAPE, kind=kind, tied=tied, layers=2), ModelConfig(lora_rank=rank, lora_targets=["q_proj", "down_proj"])
    model = built(shape, cfg)
    assert Shape.of(model.config) == shape
    assert shape.parameters + adapter_weights(shape, cfg) == sum(p.numel() for p in model.parameters())
    assert trained_weights(shape, cfg) == sum(p.numel() for _, p in trainable_parameters(model))


def test_frozen_weights_are_not_trained() -> None:
    cfg = ModelConfig(freeze=["*embed_tokens*", "*layers.0.*"])
    shape = replace(SHAPE, layers=2)
    assert trained_weights(shape, cfg) == sum(p.numel() for _, p in trainable_parameters(built(shape, cfg)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("adapters", [{}, {"lora_rank": 3}, {"lora_rank": 3, "lora_targets": ["q_proj", "v_proj"]}])
def test_activations_are_what_torch_saves(kind: str, dtype: str, fast: bool, adapters: dict[str, Any], config: Any) -> None:
    cfg, shape = config(), replace(SHAPE, kind=kind)
    cfg.model = ModelConfig(dtype=dtype, **adapters)
    ids = torch.zeros(ROWS, PROMPT + RESPONSE, dtype=torch.long)
    found = of_one_layer(shape, cfg.model, lambda model: trunk_of(model)(input_ids=ids, use_cache=False).last_hidden_state, fast=fast)
    job = job_of(shape, cfg, on_gpu=not fast)  # on a GPU, layers stay as they are
    batch = MicroBatch(rows=ROWS, prompts=ROWS, prompt=PROMPT, response=RESPONSE, shared=False)
    assert activations.of_layer(job, batch) == found


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_shared_prompts_are_counted_once_and_the_mask_of_each_layer_too(dtype: str, config: Any) -> None:
    cfg = config(f"model.dtype={dtype}")
    prompts = Prompts(ids=torch.zeros(2, PROMPT, dtype=torch.long), lengths=torch.full((2,), PROMPT), of_row=torch.arange(ROWS) // 2)
    zeros = torch.zeros(ROWS, RESPONSE)
    batch = Batch(
        input_ids=zeros.long(), first=None, prompts=prompts, mask=zeros + 1, old_logp=zeros, advantages=zeros,
        totals=Totals(tokens=1, sequences=1), rows=tuple(range(ROWS)),
    )  # fmt: skip
    found = of_one_layer(SHAPE, cfg.model, lambda model: states_after_shared_prompts(trunk_of(model), batch, prompts))
    planned = MicroBatch(rows=ROWS, prompts=2, prompt=PROMPT, response=RESPONSE, shared=True)
    assert activations.of_layer(job_of(SHAPE, cfg), planned) == found


def test_gradient_checkpointing_keeps_one_state_for_a_layer(config: Any) -> None:
    cfg = config("model.gradient_checkpointing=true")
    ids = torch.zeros(ROWS, PROMPT + RESPONSE, dtype=torch.long)
    found = of_one_layer(SHAPE, cfg.model, lambda model: model.base_model(input_ids=ids, use_cache=False).last_hidden_state)
    batch = MicroBatch(rows=ROWS, prompts=ROWS, prompt=PROMPT, response=RESPONSE, shared=False)
    one, two = (activations.kept(job_of(replace(SHAPE, layers=layers), cfg), batch) for layers in (1, 2))
    assert two - one == found == ids.numel() * SHAPE.hidden * 4


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_state_is_what_the_optimiser_holds(dtype: str, config: Any) -> None:
    cfg = config(f"model.dtype={dtype}")
    model = built(SHAPE, cfg.model)
    optimiser = Optimiser(model.parameters(), cfg.rl, total_steps=1)
    parts = memory.state(job_of(SHAPE, cfg, stage="sft"))
    assert parts["weights"] == sum(p.nbytes for p in model.parameters())
    assert parts["moments"] == sum(tensor.nbytes for tensor in optimiser.tensors().values())
    masters = [p for p in optimiser.parameters if not any(p is own for own in model.parameters())]
    assert parts.get("masters", 0) == sum(p.nbytes for p in masters)


def test_keys_and_values_are_those_of_the_cache(config: Any) -> None:
    model, cached = built(replace(SHAPE, layers=3), ModelConfig()), DynamicCache()
    model(input_ids=torch.zeros(2, PROMPT, dtype=torch.long), past_key_values=cached)
    slots = SlotCache(cached, torch.full((2,), PROMPT), 2, max_positions=PROMPT + RESPONSE)
    slots.before_step()
    slots.reserve_all()
    held = sum(layer.k.untyped_storage().nbytes() + layer.v.untyped_storage().nbytes() for layer in slots.layers)
    assert held == 4 * (PROMPT + RESPONSE) * cached_bytes(job_of(replace(SHAPE, layers=3), config()))


def test_packed_weights_are_those_of_the_decoding_step(config: Any) -> None:
    shape = replace(SHAPE, layers=2)
    model = built(shape, ModelConfig())
    own = {p.data_ptr() for p in model.parameters()}
    step = LlamaStep(model)
    products = [p for layer in step.layers for p in (layer.qkv, layer.out, layer.gate_up, layer.down)] + [step.head]
    unpacked = [p.plain for p in products if p.plain is not None and p.plain.data_ptr() not in own]
    held = sum(p.size for p in products) + sum(tensor.numel() for tensor in unpacked)
    assert memory.in_sampling(job_of(shape, config()))["packed weights"] == 4 * held
    assert "packed weights" not in memory.in_sampling(job_of(shape, config(), on_gpu=True))


def test_rows_are_limited_by_the_cache(config: Any) -> None:
    positions = 2**20 // cached_bytes(job_of(SHAPE, config()))
    few = job_of(SHAPE, config("sampler.cache_mb=1", f"sampler.max_tokens={positions // 16 - PROMPT}"))
    assert decoded_rows(few) == 16
    assert decoded_rows(job_of(SHAPE, config("sampler.max_rows=24"))) == 24
    assert decoded_rows(job_of(SHAPE, config(), ranks=4)) == 64 * 8 // 4


@pytest.mark.parametrize("tokens", [70, 200, 333, 1000])
@pytest.mark.parametrize("shares", [True, False])
def test_micro_batches_are_as_packing_makes_them(tokens: int, shares: bool, config: Any) -> None:
    size = ["rl.prompts_per_step=5", "rl.group_size=4", "rl.updates_per_step=1", f"rl.micro_batch_tokens={tokens}"]
    job = job_of(SHAPE, config(*size, f"rl.share_prompts={str(shares).lower()}", f"sampler.max_tokens={RESPONSE}"))
    samples = [Sample(prompt_ids=(i,) * PROMPT, token_ids=(1,) * RESPONSE) for i in range(5) for _ in range(4)]
    if shares:
        parts = pack_by_prompt(samples, tokens)
        rows = [sum(map(len, part)) for part in parts]
        most = max(padded_tokens(samples, part) for part in parts)
        assert micro_batch(job).tokens == most - micro_batch(job).rows
    else:
        rows = [len(part) for part in pack([PROMPT + RESPONSE] * 20, tokens)]
    assert (micro_batch(job).rows, micro_batches(job)) == (max(rows), len(rows))


def test_parts_of_an_algorithm(config: Any) -> None:
    plain = memory.state(job_of(SHAPE, config("algorithm.kl=none")))
    assert set(plain) == {"weights", "moments"}
    n = SHAPE.parameters
    kl = memory.state(job_of(SHAPE, config("algorithm.kl=k3", "rl.lag=1")))
    assert (kl["reference"], kl["earlier weights"], kl["sampler's weights"]) == (4 * n, 4 * n, 4 * n)
    ppo = memory.state(job_of(SHAPE, config("algorithm=ppo", "algorithm.critic=separate")))
    assert ppo["critic"] == 12 * (n - SHAPE.embedding)
    sharded = memory.state(job_of(SHAPE, config("parallel.shard=2", "algorithm.kl=none", "model.dtype=bfloat16"), ranks=4))
    assert sharded == {"weights": 2 * n, "moments": 4 * n, "sampler's weights": 2 * n}


def test_shards_are_gathered_layer_by_layer(config: Any) -> None:
    cfg = config("parallel.shard=2", "rl.micro_batch_tokens=20000", "algorithm.kl=none", "sampler.max_tokens=500")
    wide, whole = (
        replace(SHAPE, layers=3, intermediate=4000),
        config("rl.micro_batch_tokens=20000", "algorithm.kl=none", "sampler.max_tokens=500"),
    )
    layer = 4 * (wide.parameters - 2 * wide.embedding - wide.hidden) // 3
    found = memory.in_passes(job_of(wide, cfg, ranks=2))
    assert found["gathered"] == 3 * layer + 3 * 4 * wide.embedding
    assert {**found, "gathered": 0, "gradients": 0} == {**memory.in_passes(job_of(wide, whole, ranks=2)), "gathered": 0, "gradients": 0}
    assert found["gradients"] == 2 * wide.parameters


def test_saving_copies_only_what_it_must(config: Any) -> None:
    n = SHAPE.parameters
    assert memory.in_saving(job_of(SHAPE, config())) == {}
    assert memory.in_saving(job_of(SHAPE, config("model.lora_rank=3", "model.dtype=bfloat16"))) == {"copy": 2 * n}
    shards = config("parallel.shard=2")
    assert memory.in_saving(job_of(SHAPE, shards, ranks=2)) == {"copy": 4 * n}
    assert memory.in_saving(job_of(SHAPE, shards, ranks=2, on_gpu=True)) == {}


def test_advice_is_tried_before_it_is_given(config: Any) -> None:
    cfg = config("model=instruct", "model.path=x", "model.dtype=bfloat16", "stages=[rl]")
    made = plan(EIGHT_B, cfg, machine_of("8x80"))
    assert not made.fits
    advice = advise(made)
    assert advice.result.fits
    assert "parallel.shard" in {change.setting for change in advice.changes}
    for change in advice.changes:
        assert not changed(made, [other for other in advice.changes if other != change]).fits
    for change, alone in advice.alone:
        assert alone.needed < made.needed, change
    hopeless = advise(plan(replace(EIGHT_B, layers=400), cfg, machine_of("24")))
    assert not hopeless.result.fits
    assert hopeless.result.needed < plan(replace(EIGHT_B, layers=400), cfg, machine_of("24")).needed


def test_the_dearest_stage_is_planned(config: Any) -> None:
    assert plan(SHAPE, config(), machine_of("h100")).job.stage == "rl"
    assert plan(SHAPE, config("stages=[sft,distill]"), machine_of("h100")).job.stage == "sft"
    two = config("stages=[rl,rl_2]", "++rl_2.prompts_per_step=512", "rl.micro_batch_tokens=10000000", "rl.updates_per_step=1")
    assert plan(SHAPE, two, machine_of("h100")).job.stage == "rl_2"
    with pytest.raises(ValueError, match=r"stages=\['distill'\] has none that can be planned, which are rl, cold_start, sft"):
        plan(SHAPE, config("stages=[distill]"), machine_of("h100"))
    with pytest.raises(ValueError, match=r"parallel\.shard=3 must divide the number of ranks, which is 8"):
        plan(SHAPE, config("parallel.shard=3"), machine_of("8x80"))


def test_seconds_follow_the_rates(config: Any) -> None:
    cfg = config(
        "stages=[rl]", "algorithm.kl=none", "model.dtype=bfloat16", "rl.prompts_per_step=1", "rl.group_size=1", "rl.updates_per_step=1"
    )
    made = plan(EIGHT_B, cfg, machine_of("h100"), prompt=64)
    card = CARDS["h100"]
    weights = 128 * EIGHT_B.parameters * 2  # read once for each token; keys and values are little beside them
    assert made.seconds["sampling"] == pytest.approx(weights / (GPU.reading * card.memory_rate), rel=0.01)
    products = 6 * (EIGHT_B.parameters - EIGHT_B.embedding) * (64 + 128)  # without attention's, and with the head for the prompt
    assert made.seconds["training"] == pytest.approx(products / (GPU.training * card.flops), rel=0.05)
    assert made.seconds_of_step == sum(made.seconds.values())
    ahead = plan(EIGHT_B, replace(cfg, rl=replace(cfg.rl, lag=1)), machine_of("h100"), prompt=64)
    assert ahead.seconds_of_step == max(ahead.seconds["sampling"], sum(ahead.seconds.values()) - ahead.seconds["sampling"])
    whole, parts = (plan(EIGHT_B, replace(cfg, parallel=replace(cfg.parallel, shard=f)), machine_of("8xh100")) for f in (1, 8))
    assert whole.seconds["gradients and shards"] == pytest.approx(2 * 4 * EIGHT_B.parameters * 7 / 8 / (GPU.links * card.link_rate))
    assert parts.seconds["sync"] > whole.seconds["sync"] == 0


@pytest.mark.parametrize(
    ("text", "count", "machines", "memory"),
    [("8x80", 8, 1, 80e9), ("h200", 1, 1, 141e9), ("4x8xh100", 32, 4, 80e9), ("2x24GB", 2, 1, 24e9), ("2xrtx4090", 2, 1, 24e9)],
)
def test_machines_as_they_are_written(text: str, count: int, machines: int, memory: float) -> None:
    found = machine_of(text)
    assert (found.count, found.machines, found.card.memory) == (count, machines, memory)
    assert found.link_rate <= (NETWORK_RATE if machines > 1 else math.inf)


@pytest.mark.parametrize("text", ["", "nonsense", "0x80", "8x", "x80", "8x8x8x80", "-1x80", "8x80x"])
def test_machines_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"gpus is written as 8x80 \(cards of 80 GB\), 8xh100"):
        machine_of(text)


def test_shapes_as_they_are_typed() -> None:
    values = {"hidden": 32, "layers": 1, "heads": 4, "kv_heads": 2, "intermediate": 40, "vocab": 50}
    assert typed_shape(values) == replace(SHAPE, head_dim=8)
    for wrong in ("x", {**values, "layers": 0}, {**values, "width": 1}, {"hidden": 32}):
        with pytest.raises(ValueError, match="shape"):
            typed_shape(wrong)


def test_models_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="x: models of type 'mixtral' cannot be planned, only those shaped like llama, mistral"):
        shape_of({"model_type": "mixtral"}, "x")
    with pytest.raises(ValueError, match="x: 'num_attention_heads' is missing"):
        shape_of({"model_type": "llama"}, "x")
