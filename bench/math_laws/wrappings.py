"""Responses around an answer: boxes, blocks, displays, sentences in four languages; and responses that take an answer back."""

from __future__ import annotations

from random import Random

Wrapped = tuple[str, str]  # the wrapping's name, and the response

BOXES = {
    "box": "\\boxed{@}",
    "box in dollars": "The area is found. $\\boxed{@}$.",
    "box in a display": "Therefore:\n\\[\n\\boxed{@}\n\\]",
    "box in a sentence": "Hence the final answer is $\\boxed{@}$.",
    "box in bold": "**Final answer:** **$\\boxed{@}$**",
    "box in Chinese": "综上所述，答案为 $\\boxed{@}$。",
    "box after a heading": "### Final Answer\n\n$$\\boxed{@}$$",
    "box in a block": "<answer>$\\boxed{@}$</answer>",
    "box in a bare block": "<answer>\\boxed{@}</answer>",
}
SENTENCES = {
    "block": "<answer>@</answer>",
    "block with lines": "<answer>\n@\n</answer>",
    "block with a sentence": "<answer>The answer is @.</answer>",
    "sentence": "The answer is @.",
    "final": "Adding up, we are done.\n\nFinal answer: @",
    "therefore": "So the final answer is: @.",
    "bold label": "**Answer:** @",
    "bold": "The answer is **@**.",
    "heading": "#### @",
    "own line": "The answer is:\n\n@",
    "table": "| quantity | value |\n|---|---|\n| Answer | @ |",
    "Chinese": "所以答案是@。",
    "Chinese colon": "答案：@",
    "Chinese final": "因此，最终答案为 @。",
    "German": "Die Antwort ist @.",
    "German label": "Antwort: @",
    "French": "La réponse est @.",
    "French label": "Réponse : @",
    "alone": "@",
}
DELIMITERS = {
    "dollars": "$@$",
    "parentheses": "\\(@\\)",
    "display": "\\[@\\]",
    "double dollars": "$$@$$",
    "display on lines": "\n\\[\n@\n\\]\n",
}
WORK = (
    "",
    "",
    "<think>Let me see. Maybe it is 17. No, $12 + 3 = 15$.</think>\n",
    "<think>\n首先，我们计算。\n</think>\n\n",
    "First, we have $2 + 3 = 5$, and so on.\n\n",
    "**Step 1.** Let $u = 7$. Then $u^2 = 49$.\n\n**Step 2.** We check the result.\n\n",
)
# @ is the expected answer, # another one. None of these may be paid.
HEDGES = {
    "two boxes": "$\\boxed{@}$ or $\\boxed{#}$",
    "or in a box": "\\boxed{@ \\text{ or } #}",
    "sentence with or": "The answer is $@$ or $#$.",
    "either": "The answer is either $#$ or $@$.",
    "could also be": "The answer is $\\boxed{@}$, but it could also be $#$.",
    "retracted": "The answer is $\\boxed{@}$. Wait, that is wrong.",
    "retracted for another": "The answer is $@$. Actually, the answer is $#$.",
    "not": "The answer is not $@$.",
    "is wrong": "$\\boxed{@}$ is wrong.",
    "two blocks": "<answer>$@$</answer> <answer>$#$</answer>",
    "box against block": "<answer>$@$</answer>\n\n\\boxed{#}",
    "last box": "We find $\\boxed{@}$. But after checking the signs, we get $\\boxed{#}$.",
    "Chinese or": "答案是$@$或$#$。",
    "Chinese correction": "答案是$@$。不对，答案是$#$。",
    "German or": "Die Antwort ist $@$ oder $#$.",
    "French or": "La réponse est $@$ ou $#$.",
    "maybe": "Maybe $\\boxed{@}$, maybe $\\boxed{#}$.",
    "only thought": "<think>The answer is $@$.</think> I do not know.",
    "thought, then another": "<think>The answer is $@$.</think> The answer is $#$.",
}
RELATIONS = {"not equal": "\\ne @", "less": "< @", "greater": "> @", "at least": "x \\ge @", "congruent": "\\equiv @ \\pmod{7}"}


def wrapped(answer: str, latex: bool, random: Random) -> Wrapped:
    """A response that claims exactly this answer."""
    work = random.choice(WORK)
    if random.random() < 0.45:
        name = random.choice(list(BOXES))
        return name, work + BOXES[name].replace("@", answer)
    name = random.choice(list(SENTENCES))
    shown, delimited = "", answer
    if latex:
        shown = random.choice(list(DELIMITERS))
        if name in ("table", "bold", "sentence", "heading") or "\n" in answer:
            shown = "dollars"
        delimited = DELIMITERS[shown].replace("@", answer)
    before = work if name != "alone" or work.startswith("<think>") else ""
    return f"{name}, {shown or 'plain'}", before + SENTENCES[name].replace("@", delimited)


def hedged(answer: str, other: str, random: Random) -> Wrapped:
    """A response that claims another answer as well, or takes this one back."""
    name = random.choice(list(HEDGES))
    return name, HEDGES[name].replace("@", "\0").replace("#", other).replace("\0", answer)


def related(answer: str, random: Random) -> Wrapped:
    """A relation in front of the answer, which then is no value."""
    name = random.choice(list(RELATIONS))
    return name, f"The answer is $\\boxed{{{RELATIONS[name].replace('@', answer)}}}$."
