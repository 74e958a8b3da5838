import pytest
from scored import scored

from r1lite.scoring.metrics import judged, rollout_metrics


def test_an_abstention_alone_is_no_judgement() -> None:
    assert not judged(scored(0.0, outcome="abstained"))
    assert not judged(scored(0.0, outcome="timed_out"))
    assert judged(scored(0.0))


def test_metrics_count_everyone_and_average_the_judged() -> None:
    groups = [[scored(1.0), scored(0.0, tokens=4, finish="length")], [scored(1.0), scored(0.0, outcome="failed")]]
    metrics = rollout_metrics(groups)
    assert metrics["reward/mean"] == pytest.approx(2 / 3)
    assert metrics["reward/rule"] == pytest.approx(2 / 3)
    assert metrics["outcome/rule/failed"] == 0.25
    assert metrics["response/length_mean"] == 2.5
    assert metrics["response/clipped_share"] == 0.25
    assert metrics["zero_variance_share"] == 0.5  # the second group has one judged member left
    assert (metrics["tokens/prompt"], metrics["tokens/completion"]) == (6, 10)
