"""What speaks against starting the run. Pure: facts in, findings out. A finding that refuses is one with which no run can work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from r1lite.preflight.facts import Facts, Finding, Memory, Rule, Signal
from r1lite.preflight.signal import most_likely_live, size_for
from r1lite.text.response import END_ANSWER

HALF = 0.5  # of the responses
FEW_LIVE = 0.1  # share of groups with signal; with fewer, a warning
ALWAYS = 0.95


def findings(facts: Facts, *, max_failed_share: float) -> list[Finding]:
    """The refusals first. Of weights that an earlier stage will change, only what that stage cannot mend is refused."""
    found = [
        *(finding for rule in facts.rules for finding in _failing(rule, max_failed_share)),
        *_memory(facts.memory),
        *_golds(facts),
        *_plain(facts),
        *_endless(facts),
        *_silent(facts),
        *_never_right(facts),
        *_hacked(facts),
    ]
    return sorted(found, key=lambda finding: not finding.refuses)


def _failing(rule: Rule, most: float) -> Iterator[Finding]:
    share = rule.failed + rule.timed_out
    if share > most:
        how = "fails" if rule.failed >= rule.timed_out else "times out"
        yield Finding(
            name="rule_fails",
            says=f"rule {rule.name} {how} on {share:.0%} of the rollouts, and {most:.0%} would stop the run: {rule.why}. Mend the rule",
            overrides=(f"scoring.max_failed_share={min(1.0, share + 0.05):.2f}",),
            refuses=True,
        )


def _memory(memory: Memory) -> Iterator[Finding]:
    if not memory.fits:
        how = "takes" if memory.measured else "would take, as planned,"
        remedy = "" if memory.advice else "; no setting suffices: take a smaller model, shorter responses or a larger machine"
        says = f"the worst step {how} {memory.peak / 1e9:.2f} GB ({memory.moment}), and {memory.available / 1e9:.2f} GB are there{remedy}"
        yield Finding(
            name="does_not_fit",
            says=says,
            overrides=memory.advice,
            refuses=True,
        )


def _golds(facts: Facts) -> Iterator[Finding]:
    hacks = facts.hacks
    if hacks.golds_tried and not hacks.golds_paid:
        yield Finding(
            name="gold_is_not_paid",
            says=f"none of the expected answers would be paid. {hacks.golds}. See task.columns, or choose another rule",
            refuses=True,
        )


def _plain(facts: Facts) -> Iterator[Finding]:
    if not facts.example.has_template:
        yield Finding(name="plain_template", says="the tokenizer has no chat template, so prompts are plain text, as shown")


def _endless(facts: Facts) -> Iterator[Finding]:
    r, looked, example = facts.responses, facts.looked, facts.example
    if r.cut_off < 1:
        if r.cut_off > HALF:
            says = f"{r.cut_off:.0%} of the responses are cut off at {r.limit} tokens"
            yield Finding(name="many_cut_off", says=says, overrides=(f"sampler.max_tokens={2 * r.limit}",))
        return
    why = f". Most write {r.goes_on_after} and go on: perhaps that is the model's end token (eos_token)" if r.goes_on_after else ""
    overrides = (f"sampler.stop=['{r.goes_on_after}']",) if r.goes_on_after else (f"sampler.max_tokens={4 * r.limit}",)
    yield Finding(
        name="never_ends",
        says=f"none of {looked.rollouts} responses ends within {r.limit} tokens: {' and '.join(example.ends)} never comes{why}",
        overrides=overrides,
        refuses=not looked.before,
    )


def _silent(facts: Facts) -> Iterator[Finding]:
    s, r, looked = facts.signal, facts.responses, facts.looked
    if not s.live:
        share = most_likely_live(looked.rollouts, s.group_size)
        certain = s.prompts_per_step * share < 1 or r.empty == 1 or r.cut_off == 1
        yield Finding(
            name="no_signal",
            says=f"the rewards of all {s.groups} groups are equal ({_paid(s)}), so there is nothing to learn from. {_why_silent(facts)}",
            overrides=_remedy(facts),
            refuses=certain and not looked.before,
        )
    elif s.share[str(s.group_size)] < FEW_LIVE:
        size = size_for({int(size): share for size, share in s.share.items()}, 2 * s.share[str(s.group_size)])
        yield Finding(
            name="little_signal",
            says=f"only {s.share[str(s.group_size)]:.0%} of the groups carry signal",
            overrides=(f"rl.group_size={size}",) if size and size > s.group_size else (),
        )


def _never_right(facts: Facts) -> Iterator[Finding]:
    """Rewards that differ, though no response is correct: what is learnt is the form."""
    s, looked, answered = facts.signal, facts.looked, facts.responses.answered
    if not s.live or any(s.passes):
        return
    share = most_likely_live(looked.rollouts, s.group_size)
    yield Finding(
        name="never_right",
        says=f"none of {looked.rollouts} responses is correct, though {answered:.0%} have an answer: rewards differ only in form. "
        "See whether the answers are those of the questions (task.columns), or take easier problems",
        refuses=answered > HALF and s.prompts_per_step * share < 1 and not looked.before,
    )


def _paid(s: Signal) -> str:
    return f"all {s.best:g}" if s.best == s.least else f"from {s.least:g} to {s.best:g}"


def _why_silent(facts: Facts) -> str:
    s, r = facts.signal, facts.responses
    if r.empty == 1:
        return "Every response is empty: the prompt ends where the model would end its answer"
    if all(share == 1 for share in s.passes):
        return "Every response is correct: the problems are too easy for this model"
    if r.cut_off == 1:
        return "Every response is cut off"
    if not r.tags:
        return "No response has the tags of thought and answer: ask for them in prompt.system, or teach them in a cold start"
    share = most_likely_live(facts.looked.rollouts, s.group_size)
    return (
        f"Of a step's {s.prompts_per_step} groups at most {s.prompts_per_step * share:.1f} may carry signal (95% confidence): "
        "the problems are too hard for this model, or their answers are not those of the questions"
    )


def _remedy(facts: Facts) -> tuple[str, ...]:
    r = facts.responses
    if r.cut_off == 1 or r.empty == 1 or all(share == 1 for share in facts.signal.passes):
        return ()
    if facts.looked.demonstrates:
        return ("stages=[cold_start,rl]",)
    return () if r.tags else ("model=instruct",)


def _hacked(facts: Facts) -> Iterator[Finding]:
    hacks = facts.hacks
    if wrong := list(hacks.wrong):
        more = f" ({len(wrong) - 1} more: r1lite audit)" if len(wrong) > 1 else ""
        yield Finding(name="hack_is_paid", says=f"{wrong[0]}{more}")


def goes_on_after(responses: Sequence[str], special: Sequence[str]) -> str:
    """What most of the responses write where an answer ends, and go on after: a special token, or a tag; empty if there is nothing."""
    counts = {mark: sum(mark in text for text in responses) for mark in (*special, END_ANSWER)}
    return next((mark for mark, count in counts.items() if count > HALF * len(responses)), "")
