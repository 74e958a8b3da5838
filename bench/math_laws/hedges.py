"""Responses with two answers: the expected one taken back, doubted or beside another one, or another one corrected."""

from __future__ import annotations

from random import Random

from bench.math_laws.wrappings import Wrapped

# @ is the expected answer, # another one. None of these may be paid.
HEDGES = {
    "two boxes": "$\\boxed{@}$ or $\\boxed{#}$",
    "or in a box": "\\boxed{@ \\text{ or } #}",
    "chain in a box": "\\boxed{@ = #}",
    "sentence with or": "The answer is $@$ or $#$.",
    "either": "The answer is either $#$ or $@$.",
    "could also be": "The answer is $\\boxed{@}$, but it could also be $#$.",
    "might": "The answer might be $\\boxed{@}$ or maybe $#$.",
    "alternatively": "$\\boxed{@}$. Alternatively, the answer is $#$.",
    "retracted": "The answer is $\\boxed{@}$. Wait, that is wrong.",
    "retracted, plain": "The answer is $@$. No, that is not right.",
    "retracted in one": "The answer is $\\boxed{@}$, but this is incorrect.",
    "retracted for another": "The answer is $@$. Actually, the answer is $#$.",
    "retracted for a box": "The answer is $@$. Actually, it is $\\boxed{#}$.",
    "corrected": "Final answer: $@$\n\nCorrection: the final answer is $#$.",
    "not": "The answer is not $@$.",
    "not in a box": "\\boxed{\\text{not } @}",
    "is wrong": "$\\boxed{@}$ is wrong.",
    "is not": "$@$ is not the answer.",
    "two blocks": "<answer>$@$</answer> <answer>$#$</answer>",
    "or in a block": "<answer>$@$ or $#$</answer>",
    "box against block": "<answer>$@$</answer>\n\n\\boxed{#}",
    "box against phrase": "$\\boxed{@}$\n\nThe answer is $#$.",
    "last box": "We find $\\boxed{@}$. But after checking the signs, we get $\\boxed{#}$.",
    "first one, then the other": "The answer is $@$.\nThe answer is $#$.",
    "Chinese or": "答案是$@$或$#$。",
    "Chinese correction": "答案是$@$。不对，答案是$#$。",
    "Chinese retracted": "答案是$\\boxed{@}$。不对，这是错的。",
    "German or": "Die Antwort ist $@$ oder $#$.",
    "German not": "Die Antwort ist nicht $@$.",
    "German correction": "Die Antwort ist $@$. Nein, die Antwort ist $#$.",
    "French or": "La réponse est $@$ ou $#$.",
    "French not": "La réponse n'est pas $@$.",
    "French correction": "La réponse est $@$. Non, la réponse est $#$.",
    "maybe": "Maybe $\\boxed{@}$, maybe $\\boxed{#}$.",
    "question": "Is the answer $@$? Or is it $#$?",
    "only thought": "<think>The answer is $@$.</think> I do not know.",
    "open thought": "<think>The answer is $\\boxed{@}$.",
    "thought, then another": "<think>The answer is $@$.</think> The answer is $#$.",
    "or more": "The answer is $@$ or more.",
    "or so": "\\boxed{@ \\text{ or so}}",
    "at least in words": "The answer is at least $@$.",
    "less than in words": "The answer is less than $@$.",
    "between": "The answer is between $@$ and $#$.",
    "neither": "The answer is neither $@$ nor $#$.",
    "and": "The answer is $@$ and $#$.",
    "table of two": "| Answer | $@$ |\n|---|---|\n| Answer | $#$ |",
}
# The other way round: the other answer is given up for the expected one.
CORRECTIONS = {
    "not that": "The answer is not $#$. The answer is $@$.",
    "first thought": "I first thought that it is $#$, but that is wrong. The answer is $\\boxed{@}$.",
    "wrong, then right": "The answer is $#$. Wait, that is wrong. The answer is $\\boxed{@}$.",
    "box, then right": "We get $\\boxed{#}$. No, I made a mistake: the signs differ. Therefore, the answer is $\\boxed{@}$.",
    "actually": "The answer is $#$. Actually, the answer is $@$.",
    "instead of": "The answer is $@$, not $#$.",
    "rather than": "So the answer is $\\boxed{@}$ rather than $#$.",
    "Chinese, then right": "答案不是$#$，答案是$@$。",
    "thought of another": "<think>The answer is $#$.</think>The answer is $@$.",
    "example": "For example, for $n = 1$ the answer is $#$.\n\nIn general, the final answer is $\\boxed{@}$.",
}
RELATIONS = {
    "not equal": "\\ne @",
    "less": "< @",
    "greater": "> @",
    "at least": "x \\ge @",
    "at most": "\\leq @",
    "congruent": "\\equiv @ \\pmod{7}",
    "x not equal": "x \\neq @",
}


def hedged(answer: str, other: str, random: Random) -> Wrapped:
    """A response that claims another answer as well, or takes this one back."""
    name = random.choice(list(HEDGES))
    return name, HEDGES[name].replace("@", "\0").replace("#", other).replace("\0", answer)


def corrected(answer: str, other: str, random: Random) -> Wrapped:
    """A response that gives up another answer for this one."""
    name = random.choice(list(CORRECTIONS))
    return name, CORRECTIONS[name].replace("@", "\0").replace("#", other).replace("\0", answer)


def related(answer: str, random: Random) -> Wrapped:
    """A relation in front of the answer, which then is no value."""
    name = random.choice(list(RELATIONS))
    return name, f"The answer is $\\boxed{{{RELATIONS[name].replace('@', answer)}}}$."
