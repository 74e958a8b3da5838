"""Spans: where in a response the evidence for a verdict is, and what follows for the credit of its tokens."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from asked import asking, rollout
from scored import PROBLEM, scored

from r1lite.checks.run import check
from r1lite.config import AlgorithmConfig
from r1lite.rl.credit import credit
from r1lite.rl.span_credit import SpanCredit, tokens_within
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import as_verdict, verdict_of
from r1lite.settings.command_line import checked
from r1lite.settings.compose import configuration
from r1lite.store.ledger import Ledger
from r1lite.types import Rollout, Sample, Scored, Span, Verdict
from rewards.repetition import repetition


def shown(verdict: Verdict, text: str) -> list[str]:
    return [text[start:end] for start, end in verdict.spans]


@pytest.mark.parametrize(
    ("rule", "options", "response", "parts"),
    [
        ("answer", {}, "<think>7</think><answer> 7 </answer>", ["7"]),
        ("exact", {"within": "response"}, "<think>so</think> It is 7. ", ["It is 7."]),
        ("answer", {}, "no answer block", []),
        ("regex", {"pattern": r"\d+", "search": True}, "<think>12</think><answer>a 12 b</answer>", ["12"]),
        ("numeric", {}, "7</think><answer>7.0</answer>", ["7.0"]),
        ("repetition", {"n": 2}, "One two, one TWO; three. One two", ["one TWO", "One two"]),
        ("repetition", {"n": 2}, "再见再见", ["再见"]),
        ("repetition", {"n": 1}, "a a a b", ["a a"]),
        ("repetition", {}, "a b c d", []),
    ],
)
def test_rules_show_their_evidence(rule: str, options: dict[str, object], response: str, parts: list[str]) -> None:
    rules = Rules.from_config({rule: options})
    assert shown(verdict_of(rules, rule, asking("7"), rollout(response)), response) == parts


def test_a_prefill_counts_as_part_of_the_response() -> None:
    given = rollout("7</think><answer>7</answer>", prefill="<think>")
    assert shown(verdict_of(Rules.from_config({"answer": {}}), "answer", asking("7"), given), given.response) == ["7"]


def test_words_that_change_their_number_when_normalised_have_no_spans() -> None:
    given = repetition(asking(), rollout("½ ½ ½ ½"), n=2)  # NFKC makes two numbers of each half
    assert given.value != 0
    assert given.spans == ()


@pytest.mark.parametrize("span", [(-1, 2), (2, 2), (3, 2), (0, 6)])
def test_a_span_lies_within_the_response(span: Span) -> None:
    with pytest.raises(ValueError, match=rf"the span \({span[0]}, {span[1]}\) of a response of 5 characters"):
        as_verdict(Verdict(value=1.0, spans=(span,)), "hello")


def test_the_ledger_keeps_spans(tmp_path: Path) -> None:
    one = scored(1.0)
    ledger = Ledger(tmp_path, "rl")
    ledger.write(1, [[replace(one, verdicts={"rule": Verdict(value=1.0, spans=((0, 1),))})]])
    read = ledger.read(1, [PROBLEM])
    assert read is not None
    assert read[0][0].verdicts["rule"].spans == ((0, 1),)


# credit

PIECES = ("", "so ", "the ", "the ", "end", "é")


def decode(ids: Sequence[int]) -> str:
    return "".join(PIECES[i] for i in ids)


def response(value: float, *spans: Span, right: float = 0.0) -> Scored:
    ids = (1, 2, 3, 4)
    given = Rollout(problem_id="p", index=0, prompt_ids=(1,), token_ids=ids, logprobs=(-1.0,) * 4, text=decode(ids), prefill="<think>")
    verdicts = {"answer": Verdict(value=right), "repetition": Verdict(value=value, spans=spans)}
    return Scored(problem=PROBLEM, rollout=given, reward=right + value, verdicts=verdicts)


@pytest.mark.parametrize(
    ("span", "within"),
    [
        ((0, 7), [False, False, False, False]),  # the prefill
        ((0, 8), [True, False, False, False]),
        ((7, 10), [True, False, False, False]),
        ((10, 11), [False, True, False, False]),
        ((9, 15), [True, True, True, False]),
        ((18, 21), [False, False, False, True]),
    ],
)
def test_characters_are_found_in_tokens(span: Span, within: list[bool]) -> None:
    assert tokens_within(response(0.0).rollout, [span], decode) == within


class Nothing:
    def reference_logprobs(self, samples: Sequence[Sample]) -> list[list[float]]:
        raise AssertionError

    def values(self, samples: Sequence[Sample]) -> list[list[float]]:
        raise AssertionError


def token_advantages(group: list[Scored], **changes: object) -> list[tuple[float, ...]]:
    rules = Rules.from_config({"answer": {}, "repetition": {"credit": "spans"}})
    a = AlgorithmConfig.preset("reinforce", **changes)
    (row,) = credit([group], a, Nothing(), weights=rules.weights, spans=SpanCredit(rules=rules, decode=decode))
    return [c.sample.token_advantages for c in row if c is not None]


def test_the_part_of_a_rule_goes_to_the_tokens_of_its_spans() -> None:
    bad, good = token_advantages([response(-1.0, (14, 18), right=1.0), response(0.0, right=0.0)])
    # The answer's part is +0.5 and -0.5; the repetition's -0.5 and +0.5. The second verdict has no spans: all tokens get it.
    assert bad == (0.5, 0.5, 0.0, 0.5)
    assert good == (0.0, 0.0, 0.0, 0.0)


def test_parts_are_on_the_scale_of_the_whole_reward() -> None:
    bad, good = token_advantages([response(-1.0, (14, 18)), response(0.0)], scale="std", eps=0.0)
    assert bad == pytest.approx((0.0, 0.0, -(0.5**0.5), 0.0))
    assert good == pytest.approx((0.5**0.5,) * 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["rewards.format.credit=tokens"], "unknown value of rewards.format.credit: 'tokens'"),
        (
            ["rewards.format.credit=spans", "algorithm.advantage=gdpo"],
            r"rewards.format.credit=spans needs algorithm.advantage=group, got gdpo",
        ),
        (["rewards.format.credit=spans", "algorithm=gspo"], r"algorithm.ratio=sequence with gate=clip weights whole sequences"),
        (["rewards.format.credit=spans", "rl.shuffle_rewards=true"], r"unset one of the two"),
    ],
)
def test_what_does_not_go_with_spans_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(configuration(checked(["experiment=r1_zero", *settings])))


def test_a_step_with_spans_runs(tmp_path: Path) -> None:
    import r1lite

    settings = "experiment=r1_zero stages=[rl] rl.steps=1 rl.prompts_per_step=4 rl.show_every=0 sampler.max_tokens=40 evaluate.problems=4"
    run = r1lite.train(*settings.split(), "rewards.repetition={weight: 1, credit: spans, n: 1}", run_dir=tmp_path)
    rows = run.rollouts().to_dict("records")
    assert any(len(v["spans"]) for row in rows for v in row["verdicts"] if v["rule"] == "repetition")
