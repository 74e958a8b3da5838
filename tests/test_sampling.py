import gc
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from samplers import native

from r1lite.learning.batch import collate
from r1lite.learning.forward import can_share_prompts, forward
from r1lite.prompt import Prompter
from r1lite.sampling.native.cache import SlotCache, SlotLayer, bytes_per_token, compact_order
from r1lite.sampling.native.draw import choose, draw, filtered, uniforms
from r1lite.sampling.native.model import make_decoder, packed_weights
from r1lite.sampling.native.scheduler import Row, Scheduler
from r1lite.sampling.rollouts import Sampler, seed_of
from r1lite.types import Problem, Sample

PROBLEMS = [Problem(id=f"p{i}", prompt="x" * (3 * i + 1)) for i in range(7)]


def sampler(model: Any, tokenizer: Any, config: Any, *overrides: str) -> Sampler:
    cfg = config("sampler.max_tokens=24", *overrides).sampler
    return native(model, Prompter(tokenizer=tokenizer), cfg)


def test_greedy_decoding_is_what_generate_gives(model: Any, tokenizer: Any, config: Any) -> None:
    groups = list(sampler(model, tokenizer, config, "sampler.max_rows=3").sample(PROBLEMS, n=1, seed="s", greedy=True))
    assert len(groups) == len(PROBLEMS)
    for group in groups:
        rollout = group.rollouts[0]
        prompt = torch.tensor([rollout.prompt_ids])
        expected = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=24, do_sample=False)
        assert list(rollout.token_ids) == expected[0, prompt.shape[1] :].tolist()


def test_kept_logprobs_are_the_trainers(model: Any, tokenizer: Any, config: Any) -> None:
    groups = list(sampler(model, tokenizer, config, "sampler.temperature=0.8").sample(PROBLEMS, n=4, seed="s"))
    assert [len(g.rollouts) for g in groups] == [4] * len(PROBLEMS)
    rollouts = [r for g in groups for r in g.rollouts]
    for rollout in rollouts:
        assert len(rollout.token_ids) == len(rollout.logprobs) <= 24
        (batch,) = collate([Sample(prompt_ids=rollout.prompt_ids, token_ids=rollout.token_ids)], micro_batch_tokens=1)
        logp = forward(model, batch, temperature=0.8).logp
        assert torch.allclose(logp[0], torch.tensor(rollout.logprobs), atol=1e-4)


def test_a_rollout_does_not_depend_on_who_shares_its_batch(model: Any, tokenizer: Any, config: Any) -> None:
    def tokens(rows: int, problems: list[Problem]) -> dict[tuple[str, int], tuple[int, ...]]:
        groups = sampler(model, tokenizer, config, f"sampler.max_rows={rows}").sample(problems, n=3, seed="s")
        return {(r.problem_id, r.index): r.token_ids for g in groups for r in g.rollouts}

    together = tokens(100, PROBLEMS)
    assert tokens(6, PROBLEMS) == together
    assert tokens(3, PROBLEMS[2:4]) == {key: ids for key, ids in together.items() if key[0] in ("p2", "p3")}


def test_another_seed_gives_other_rollouts(model: Any, tokenizer: Any, config: Any) -> None:
    one, two = ([g.rollouts for g in sampler(model, tokenizer, config).sample(PROBLEMS[:2], n=2, seed=s)] for s in "ab")
    assert [[r.token_ids for r in g] for g in one] != [[r.token_ids for r in g] for g in two]


def test_stop_strings_and_limits_end_a_rollout(model: Any, tokenizer: Any, config: Any) -> None:
    free = next(iter(sampler(model, tokenizer, config).sample(PROBLEMS[:1], n=1, seed="s"))).rollouts[0]
    assert free.finish == "length"
    stop = tokenizer.decode(free.token_ids[3:5])
    stopping = sampler(model, tokenizer, config)
    stopping.cfg.stop = [stop]
    stopped = next(iter(stopping.sample(PROBLEMS[:1], n=1, seed="s"))).rollouts[0]
    assert stopped.finish == "stop"
    assert stopped.text.endswith(stop)
    assert stopped.token_ids == free.token_ids[: len(stopped.token_ids)]


def test_the_end_token_ends_a_rollout_and_is_kept(model: Any, tokenizer: Any, config: Any) -> None:
    end = tokenizer.eos_token_id
    with torch.no_grad():  # every hidden state now points at the end token
        model.model.norm.weight.zero_()
        model.lm_head.weight[end] += 1.0
    sampled = sampler(model, tokenizer, config)
    sampled.engine.ends = frozenset(range(len(tokenizer)))
    rollout = next(iter(sampled.sample(PROBLEMS[:1], n=1, seed="s"))).rollouts[0]
    assert (rollout.finish, len(rollout.token_ids), rollout.text) == ("stop", 1, "")


def test_draws_follow_the_distribution() -> None:
    torch.manual_seed(0)
    probabilities = torch.tensor([0.5, 0.0, 0.3, 0.2])
    tokens = draw(probabilities.expand(20_000, 4), torch.rand(20_000))
    shares = {token: n / 20_000 for token, n in Counter(tokens.tolist()).items()}
    assert shares == pytest.approx({0: 0.5, 2: 0.3, 3: 0.2}, abs=0.015)


def test_a_draw_at_the_very_end_is_still_a_token_with_probability() -> None:
    weights = torch.tensor([[0.5, 0.5, 0.0]])
    assert draw(weights, torch.tensor([1.0])).tolist() == [1]
    assert draw(weights, torch.tensor([0.0])).tolist() == [0]
    assert draw(torch.cat([torch.zeros(1, 700), weights], dim=1), torch.tensor([1.0])).tolist() == [701]


def test_top_k_and_top_p_keep_the_smallest_sets() -> None:
    logprobs = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()
    assert (filtered(logprobs, top_k=2, top_p=1.0) > -torch.inf).tolist() == [[True, True, False, False]]
    assert (filtered(logprobs, top_k=0, top_p=0.65) > -torch.inf).tolist() == [[True, True, False, False]]
    assert (filtered(logprobs, top_k=0, top_p=0.75) > -torch.inf).tolist() == [[True, True, True, False]]
    assert (filtered(logprobs, top_k=0, top_p=0.01) > -torch.inf).tolist() == [[True, False, False, False]]


def test_every_rollout_has_its_own_stream() -> None:
    streams = [tuple(uniforms(seed_of("s", "p", i), 8).tolist()) for i in range(50)]
    assert len(set(streams)) == 50
    assert uniforms(seed_of("s", "p", 0), 8).tolist() == list(streams[0])


def test_layers_that_the_cache_cannot_hold_are_refused(model: Any, tokenizer: Any, config: Any) -> None:
    model.config.layer_types = ["sliding_attention", "full_attention"]
    with pytest.raises(ValueError, match="sliding_attention"):
        sampler(model, tokenizer, config)


def test_a_window_that_older_models_have_in_all_layers_is_refused_too(model: Any, tokenizer: Any, config: Any) -> None:
    assert can_share_prompts(model)
    del model.config.layer_types
    model.config.sliding_window = 4096
    with pytest.raises(ValueError, match=r"layers of sliding_attention \(over 4096 tokens\); use sampler=vllm"):
        sampler(model, tokenizer, config)
    assert not can_share_prompts(model)


def test_a_stop_string_may_take_several_tokens_a_character(model: Any, tokenizer: Any, config: Any) -> None:
    stop = "。"
    written = tokenizer(stop, add_special_tokens=False)["input_ids"]
    assert len(written) > len(stop)
    stopping = sampler(model, tokenizer, config, f"sampler.stop=['{stop}']")
    requests = stopping.requests(PROBLEMS[:1], n=1, seed="s")
    for step, token in enumerate([7, *written]):
        row = Row(0, 0, torch.zeros(24), token_ids=[7, *written][: step + 1])
        finish = Scheduler._finish(SimpleNamespace(ends=(), requests=requests, tokenizer=tokenizer), row)  # pyright: ignore
        assert (finish == "stop") == (step == len(written)), token


def test_rows_join_before_all_others_have_left_also_where_the_cache_is_the_limit(
    model: Any, tokenizer: Any, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[int] = []
    admit = Scheduler._admit
    monkeypatch.setattr(Scheduler, "_admit", lambda self: met.append(len(self.rows)) or admit(self))
    longest = max(len(Prompter(tokenizer=tokenizer).ids(p)) for p in PROBLEMS) + 24
    monkeypatch.setattr("r1lite.sampling.native.scheduler.bytes_per_token", lambda _: 2**20 / (4 * longest))  # 1 MB holds four of 512 rows
    with torch.no_grad():  # so that some rows end early
        model.lm_head.weight[tokenizer.eos_token_id] = model.lm_head.weight.mean(0)
    sampled = sampler(model, tokenizer, config, "sampler.cache_mb=1", "sampler.max_rows=512")
    sampled.engine.ends = frozenset(range(0, len(tokenizer), 9))
    assert len(list(sampled.sample(PROBLEMS, n=1, seed="s"))) == len(PROBLEMS)
    assert max(met) > 0


def test_a_row_that_has_finished_takes_no_more_room_than_was_promised(
    model: Any, tokenizer: Any, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few finished rows wait for others before they leave, and go on meanwhile."""
    monkeypatch.setattr("r1lite.sampling.native.scheduler.LEAVE_SHARE", 0.75)
    short = (4, 5, 6)  # of the first four: they end early, and make room for the other three
    finish = Scheduler._finish
    monkeypatch.setattr(
        Scheduler, "_finish", lambda self, row: "stop" if row.request in short and len(row.token_ids) == 5 else finish(self, row)
    )
    widths: list[tuple[int, int]] = []
    step = SlotCache.before_step
    monkeypatch.setattr(SlotCache, "before_step", lambda self: step(self) or widths.append((self.width, self.max_positions)))
    problems = [Problem(id=f"q{i}", prompt="x" * (9 if i == 3 else 3)) for i in range(7)]
    sampled = sampler(model, tokenizer, config, "sampler.max_rows=4")
    sampled.engine.ends = frozenset()
    lengths = {r.problem_id: len(r.token_ids) for g in sampled.sample(problems, n=1, seed="s") for r in g.rollouts}
    assert lengths == {f"q{i}": 5 if i in short else 24 for i in range(7)}
    assert max(width for width, _ in widths) <= {most for _, most in widths}.pop()


def test_a_problem_that_comes_twice_is_asked_twice(model: Any, tokenizer: Any, config: Any) -> None:
    twice = [PROBLEMS[0], PROBLEMS[1], PROBLEMS[0]]
    groups = [g.rollouts for g in sampler(model, tokenizer, config).sample(twice, n=3, seed="s") if g.problem.id == "p0"]
    assert len(groups) == 2
    assert {r.token_ids for r in groups[0]}.isdisjoint({r.token_ids for r in groups[1]})


def test_the_decoder_is_the_model_with_its_weights_packed(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r1lite.sampling.native.model.SMALL", 0)
    decoder = make_decoder(model, torch.float32)
    assert all(mine is theirs for mine, theirs in zip(decoder.parameters(), model.parameters(), strict=True))
    ids = torch.randint(0, 200, (3, 9))
    with torch.inference_mode(), packed_weights(decoder):
        assert sum(getattr(m, "product", None) is not None for m in decoder.modules()) == sum(
            isinstance(m, torch.nn.Linear) for m in model.modules()
        )
        assert torch.allclose(decoder(ids).logits, model(ids).logits, atol=1e-5)
    assert all(getattr(m, "product", None) is None for m in decoder.modules())


def test_a_decoder_of_another_precision_follows_what_it_is_given(model: Any, tokenizer: Any, config: Any) -> None:
    sampled = sampler(model, tokenizer, config, "sampler.dtype=bfloat16")
    assert {p.dtype for p in sampled.engine.decoder.parameters()} == {torch.bfloat16}
    with torch.no_grad():
        model.model.norm.weight.mul_(-1)
    sampled.load(model.named_parameters())
    assert torch.equal(sampled.engine.decoder.model.norm.weight, model.model.norm.weight.bfloat16())
    rollout = next(iter(sampled.sample(PROBLEMS[:1], n=1, seed="s"))).rollouts[0]
    (batch,) = collate([Sample(prompt_ids=rollout.prompt_ids, token_ids=rollout.token_ids)], micro_batch_tokens=1)
    assert torch.allclose(forward(model, batch, temperature=1.0).logp[0], torch.tensor(rollout.logprobs), atol=0.2)


def test_a_step_of_the_optimiser_is_in_the_next_sample(model: Any, tokenizer: Any, config: Any) -> None:
    sampled = sampler(model, tokenizer, config)
    list(sampled.sample(PROBLEMS[:2], n=2, seed="s"))
    adam = torch.optim.AdamW(model.parameters(), lr=0.05, fused=True)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    adam.step()
    for group in sampled.sample(PROBLEMS[:2], n=2, seed="s"):
        for r in group.rollouts:
            (batch,) = collate([Sample(prompt_ids=r.prompt_ids, token_ids=r.token_ids)], micro_batch_tokens=1)
            assert torch.allclose(forward(model, batch, temperature=1.0).logp[0], torch.tensor(r.logprobs), atol=1e-4)


def test_rows_from_the_end_fill_the_gaps() -> None:
    assert compact_order(6, [1, 4]) == [0, 5, 2, 3]
    assert compact_order(4, [2, 3]) == [0, 1]
    assert compact_order(3, []) == [0, 1, 2]
    assert compact_order(2, [0, 1]) == []


def test_the_cache_holds_no_more_than_it_may(model: Any, tokenizer: Any, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    advance = Scheduler._advance
    monkeypatch.setattr(Scheduler, "_advance", lambda self: at_once.append(len(self.rows)) or advance(self))
    longest = max(len(Prompter(tokenizer=tokenizer).ids(p)) for p in PROBLEMS) + 24
    # One megabyte holds six of the longest.
    monkeypatch.setattr("r1lite.sampling.native.scheduler.bytes_per_token", lambda _: 2**20 / (6 * longest))
    groups = list(sampler(model, tokenizer, config, "sampler.cache_mb=1").sample(PROBLEMS, n=2, seed="s"))
    assert [len(g.rollouts) for g in groups] == [2] * len(PROBLEMS)
    assert max(at_once) == 6
    assert bytes_per_token(model) == 2 * 2 * model.config.num_key_value_heads * model.config.head_dim * 4


def test_the_cache_is_gone_when_sampling_is_done(model: Any, tokenizer: Any, config: Any) -> None:
    """Not when Python next looks for circles: until then training would have to do without that memory."""
    mine = sampler(model, tokenizer, config, "sampler.max_tokens=4")
    gc.collect()
    gc.disable()
    try:
        assert len(list(mine.sample(PROBLEMS[:2], n=2, seed="s"))) == 2
        assert not [held for held in gc.get_objects() if type(held) in (SlotCache, SlotLayer)]
    finally:
        gc.enable()


def test_log_probs_are_those_before_top_k(model: Any) -> None:
    logits = torch.randn(5, 700)
    tokens, logprobs = choose(logits.clone(), torch.rand(5), temperature=0.7, top_k=3, top_p=1.0)
    expected = torch.log_softmax(logits / 0.7, -1).gather(1, tokens[:, None]).squeeze(1)
    assert torch.allclose(logprobs, expected, atol=1e-5)
    assert (logits >= logits.topk(3).values[:, -1:]).gather(1, tokens[:, None]).all()


def test_a_draw_over_many_blocks_is_where_one_running_sum_passes() -> None:
    torch.manual_seed(0)
    weights, chances = torch.rand(500, 1000, dtype=torch.float64), torch.rand(500, dtype=torch.float64)
    sums = weights.cumsum(-1)
    assert torch.equal(draw(weights, chances), torch.searchsorted(sums, (chances * sums[:, -1])[:, None], right=True).squeeze(1))
