"""Facts as one screen of lines. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from r1lite.preflight.facts import Facts, Finding, Rule, Signal
from r1lite.preflight.signal import BINS, ENOUGH, histogram, size_for

WIDTH, LABEL = 110, 12
BAR = 24  # characters of the longest bar
SHOWN_PROMPT, SHOWN_RESPONSE = 4, 3  # lines


def screen(facts: Facts, found: Sequence[Finding]) -> list[str]:
    return [
        *_heading(facts),
        *_example(facts),
        *_passes(facts.signal),
        *_sizes(facts.signal),
        *_responses(facts),
        *_rules(facts.rules),
        *_hacks(facts),
        *_memory(facts),
        *_time(facts),
        *(line for finding in found for line in said(finding)),
    ]


def said(finding: Finding) -> Iterator[str]:
    yield from _labelled("REFUSED" if finding.refuses else "note", finding.says)
    if finding.overrides:
        yield " " * LABEL + "try: " + " ".join(finding.overrides)


def _labelled(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{label:{LABEL}}", subsequent_indent=" " * LABEL, break_long_words=False)


def _heading(facts: Facts) -> Iterator[str]:
    looked, s = facts.looked, facts.signal
    size = f"{looked.problems} problems of {looked.task} x {s.group_size} rollouts"
    yield f"preflight of {looked.stage}: {size}, in {seconds(looked.seconds)}"
    if looked.before:
        yield from _labelled(
            "weights", f"{looked.weights}: those of the base, since {looked.before} has not run; the run looks again before {looked.stage}"
        )
    else:
        yield from _labelled("weights", looked.weights)


def _example(facts: Facts) -> Iterator[str]:
    e = facts.example
    longest = f"; the longest has {facts.worst.prompt}" if facts.worst else ""
    yield from _block("prompt", e.prompt, SHOWN_PROMPT, f"{e.prompt_tokens} tokens{longest}")
    end = "ended" if e.ended else "cut off"
    yield from _block("response", e.response, SHOWN_RESPONSE, f"{e.response_tokens} tokens, {end}; reward {e.reward:g}: {e.why}")


def _block(label: str, text: str, most: int, note: str) -> Iterator[str]:
    """The beginning and the end of a text, with line breaks and control characters made visible."""
    visible = "".join(c if c.isprintable() else "⏎" if c == "\n" else f"\\x{ord(c):02x}" for c in text) or "(empty)"
    lines = textwrap.wrap(visible, WIDTH - LABEL - 2, drop_whitespace=False, break_on_hyphens=False)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"… {lines[-1]}"]
    for number, line in enumerate(lines):
        yield f"{label if number == 0 else '':{LABEL}}│ {line}"
    yield from _labelled("", note)


def _passes(s: Signal) -> Iterator[str]:
    counts = histogram(s.passes)
    unit = max(counts.values()) / BAR or 1
    mean = sum(s.passes) / max(1, len(s.passes))
    yield f"{'pass rate':{LABEL}}mean {mean:.1%}; problems by their share of right responses:"
    for name in BINS:
        if counts[name]:
            yield f"{'':{LABEL}}{name:>8} {'█' * max(1, round(counts[name] / unit))} {counts[name]}"


def _sizes(s: Signal) -> Iterator[str]:
    sizes = list(s.share)
    yield f"{'group size':{LABEL}}{'':22}" + "".join(f"{size:>7}" for size in sizes)
    yield f"{'':{LABEL}}{'rewards differ in':22}" + "".join(f"{s.share[size]:7.0%}" for size in sizes) + "  of the groups"
    if s.share != s.share_right:
        yield f"{'':{LABEL}}{'both right and wrong':22}" + "".join(f"{s.share_right[size]:7.0%}" for size in sizes)
    yield from _labelled("", _size_in_words(s))


def _size_in_words(s: Signal) -> str:
    size = size_for({int(size): share for size, share in s.share.items()})
    wanted = f"{ENOUGH:.0%} would take rl.group_size={size}" if size else f"no group size up to {list(s.share)[-1]} reaches {ENOUGH:.0%}"
    return f"rl.group_size={s.group_size}: {s.live} of {s.groups} groups carried signal; {wanted}"


def _responses(facts: Facts) -> Iterator[str]:
    r = facts.responses
    lengths = f"{r.length:.0f} tokens on average, {r.longest} at most, of {r.limit}"
    text = f"{lengths}; cut off {r.cut_off:.0%}, with tags {r.tags:.0%}, empty {r.empty:.0%}"
    yield from _labelled("responses", text)


def _rules(rules: Sequence[Rule]) -> Iterator[str]:
    for number, rule in enumerate(rules):
        mean = "no value" if rule.mean is None else f"mean {rule.mean:.3g}"
        outcomes = {"abstained": rule.abstained, "failed": rule.failed, "timed out": rule.timed_out}
        rest = "".join(f", {name} {share:.0%}" for name, share in outcomes.items() if share)
        yield f"{'rules' if number == 0 else '':{LABEL}}{rule.name}: {mean}; scored {rule.scored:.0%}{rest}"


def _hacks(facts: Facts) -> Iterator[str]:
    h = facts.hacks
    if h.left_out:
        yield from _labelled("hacks", f"not tried: {h.left_out}")
        return
    best = f"of {h.tried} responses that were tried, the best-paid wrong one {h.best:.3g} ({h.name})"
    yield from _labelled("hacks", f"gold is paid {h.gold:.3g}; {best}")


def _memory(facts: Facts) -> Iterator[str]:
    m = facts.memory
    look = f", {_gb(m.measured_peak)} in this look" if m.measured_peak < m.peak and m.measured else ""
    yield from _labelled("memory", f"{_gb(m.peak)} of {_gb(m.available)} GB at the peak ({m.moment}{look}){_worst(facts)}")
    if m.buys:
        yield from _labelled("", "less with " + ", ".join(f"{setting} ({_gb(added)} GB)" for setting, added in m.buys.items()))


def _worst(facts: Facts) -> str:
    w = facts.worst
    return f"; worst update: {w.sequences} x {w.prompt} + {w.response} tokens in {seconds(w.seconds)}" if w else ""


def _time(facts: Facts) -> Iterator[str]:
    t = facts.time
    if t is None:
        return
    parts = ", ".join(f"{name} {seconds(value)}" for name, value in t.parts.items())
    yield from _labelled(
        "time", f"{seconds(t.step)} a step ({parts}), {seconds(t.step_at_most)} if every response were cut off and every group counted"
    )
    whole = f"{t.steps} steps: {seconds(t.stage)}"
    if t.others:
        rest = ", ".join(f"{name} {seconds(value)}" for name, value in t.others.items())
        whole += f"; with at most {rest}: {seconds(t.stage + sum(t.others.values()))}"
    yield from _labelled("", whole)


def seconds(value: float) -> str:
    if value < 100:
        return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 120 else f"{value / 3600:.1f} h"


def _gb(size: float) -> str:
    return f"{size / 1e9:.2f}"
