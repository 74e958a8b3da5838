"""Writes a set of real numbers: as intervals, as inequalities, by what it leaves out, or in words."""

from __future__ import annotations

from itertools import pairwise

from bench.math_laws.formulas import formula
from bench.math_laws.hand import Hand
from bench.math_laws.meanings import Expr, Region, Span


def region(meaning: Region, hand: Hand) -> str:
    if not meaning.spans:
        empty = (r"\emptyset", r"\varnothing", r"\{\}", r"\text{no solution}") if hand.latex else ("no solution", "∅", "no solutions")
        return hand.pick("empty", *empty)
    left_out = [a.high for a, b in pairwise(meaning.spans) if a.high == b.low and not (a.closed_high or b.closed_low)]
    if len(left_out) == len(meaning.spans) - 1 and not (meaning.spans[0].low.is_finite or meaning.spans[-1].high.is_finite):
        text = _all_but(left_out, meaning.variable or "x", hand)
        if text and (meaning.variable or hand.habit("all but", 0.4)):
            return text
    if hand.habit("other notation of a set", 0.2) == bool(meaning.variable) or not any(_bounded(s) for s in meaning.spans):
        return _intervals(meaning, hand)
    return _inequalities(meaning, hand)


def _bounded(span: Span) -> bool:
    return bool(span.low.is_finite or span.high.is_finite)


def _all_but(left_out: list[Expr], variable: str, hand: Hand) -> str:
    """All real numbers, or all but some; empty where this is written as intervals."""
    if not left_out:
        every = (r"\mathbb{R}", r"\text{all real numbers}", r"x \in \mathbb{R}") if hand.latex else ("all real numbers", "ℝ", "all reals")
        return hand.pick("all", *(e.replace("x", variable) if e.startswith("x ") else e for e in every))
    ends = [formula(end, hand) for end in left_out]
    if hand.habit("without a set", 0.3):
        inner = hand.bracket(", ".join(ends), *(("\\{", "\\}") if hand.latex else "{}"))
        return " ".join((hand.sign(r"\mathbb{R}", "R", "ℝ"), hand.sign(r"\setminus", "\\", "∖"), inner))
    sign = hand.sign(hand.pick("relation", r"\ne", r"\neq"), "!=", "≠")
    return hand.pick("joined", ", ", " and " if not hand.latex else r" \text{ and } ").join(f"{variable} {sign} {end}" for end in ends)


def _intervals(meaning: Region, hand: Hand) -> str:
    text = hand.sign(r" \cup ", " U ", " ∪ ").join(_span(span, hand) for span in meaning.spans)
    member = hand.sign(r"\in", "in", "∈")
    return f"{meaning.variable} {member} {text}" if meaning.variable and hand.habit("member of", 0.5) else text


def _span(span: Span, hand: Hand) -> str:
    if span.low == span.high:
        return hand.bracket(_end(span.low, hand), *(("\\{", "\\}") if hand.latex else "{}"))
    inner = f"{_end(span.low, hand)}, {_end(span.high, hand)}"
    if hand.habit("outward brackets", 0.02):
        return f"{'[' if span.closed_low else ']'}{inner}{']' if span.closed_high else '['}"
    return hand.bracket(inner, "[" if span.closed_low else "(", "]" if span.closed_high else ")")


def _end(end: Expr, hand: Hand) -> str:
    if end.is_finite:
        return formula(end, hand)
    infinity = hand.sign(r"\infty", "oo" if hand.habit("oo", 0.1) else "infinity", "∞")
    return f"-{infinity}" if end.is_extended_negative else "+" + infinity if hand.habit("plus infinity", 0.1) else infinity


def _inequalities(meaning: Region, hand: Hand) -> str:
    variable = meaning.variable or "x"
    joined = hand.pick("joined", *((r" \text{ or } ", r" \lor ") if hand.latex else (" or ",)))
    text = joined.join(_inequality(span, variable, hand) for span in meaning.spans if _bounded(span))
    if hand.latex and hand.habit("set builder", 0.1):
        bar = hand.random.choice((r"\mid", ":", "|"))
        return rf"\{{ {variable} {bar} {text} \}}"
    return text


def _inequality(span: Span, variable: str, hand: Hand) -> str:
    low, high = (_end(end, hand) for end in (span.low, span.high))
    if span.low == span.high:
        return f"{variable} = {low}"
    if span.low.is_finite and span.high.is_finite:
        if hand.habit("turned around", 0.15):
            return f"{high} {_sign(span.closed_high, hand, above=True)} {variable} {_sign(span.closed_low, hand, above=True)} {low}"
        return f"{low} {_sign(span.closed_low, hand)} {variable} {_sign(span.closed_high, hand)} {high}"
    above = bool(span.low.is_finite)
    end, closed = (low, span.closed_low) if above else (high, span.closed_high)
    if hand.habit("turned around"):
        return f"{end} {_sign(closed, hand, above=not above)} {variable}"
    return f"{variable} {_sign(closed, hand, above=above)} {end}"


def _sign(closed: bool, hand: Hand, *, above: bool = False) -> str:
    if not closed:
        return ">" if above else "<"
    latex = (r"\ge", r"\geq") if above else (r"\le", r"\leq", r"\leqslant")
    return hand.sign(hand.pick("relation", *latex), ">=" if above else "<=", "≥" if above else "≤")
