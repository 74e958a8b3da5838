import torch

from r1lite.learning.batch import collate
from r1lite.types import Sample, Totals

SHORT = Sample(prompt_ids=(1, 2), token_ids=(3,), logprobs=(-0.5,), advantage=-1.0)
LONG = Sample(prompt_ids=(1, 2, 3), token_ids=(4, 5), logprobs=(-0.1, -0.2), advantage=2.0)


def test_rows_are_whole_sequences_padded_on_the_right() -> None:
    (batch,) = collate([SHORT, LONG], micro_batch_tokens=100)
    assert batch.input_ids.tolist() == [[1, 2, 3, 4, 5], [1, 2, 3, 0, 0]]
    assert batch.first == 2
    assert batch.mask.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert torch.equal(batch.old_logp, torch.tensor([[0, -0.1, -0.2], [-0.5, 0, 0]]))
    assert batch.advantages.tolist() == [[0.0, 2.0, 2.0], [-1.0, 0.0, 0.0]]
    assert batch.rows == (1, 0)
    assert batch.totals == Totals(tokens=3, sequences=2)


def test_the_budget_counts_padded_tokens_and_keeps_the_steps_totals() -> None:
    batches = collate([SHORT, LONG, SHORT], micro_batch_tokens=6)
    assert [b.input_ids.shape for b in batches] == [(1, 5), (2, 3)]
    assert {b.totals for b in batches} == {Totals(tokens=4, sequences=3)}


def test_a_sample_longer_than_the_budget_still_goes_through_alone() -> None:
    assert [b.input_ids.shape for b in collate([LONG, LONG], micro_batch_tokens=1)] == [(1, 5), (1, 5)]
