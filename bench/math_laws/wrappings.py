"""Responses around an answer: boxes, blocks, displays, tables, sentences in four languages."""

from __future__ import annotations

from random import Random

from bench.math_speed import step

Wrapped = tuple[str, str]  # the wrapping's name, and the response

# @ is the answer.
BOXES = {
    "box": "\\boxed{@}",
    "box in dollars": "The area is found. $\\boxed{@}$.",
    "box in a display": "Therefore:\n\\[\n\\boxed{@}\n\\]",
    "box in a sentence": "Hence the final answer is $\\boxed{@}$.",
    "box in bold": "**Final answer:** **$\\boxed{@}$**",
    "box in Chinese": "综上所述，答案为 $\\boxed{@}$。",
    "box in German": "Damit ist die Antwort $\\boxed{@}$.",
    "box in French": "On trouve donc $\\boxed{@}$.",
    "box after a heading": "### Final Answer\n\n$$\\boxed{@}$$",
    "box in a block": "<answer>$\\boxed{@}$</answer>",
    "box in a bare block": "<answer>\\boxed{@}</answer>",
    "box, then words": "$$\\boxed{@}$$\n\nI hope this helps! Let me know if you have any questions.",
    "box as a subject": "$\\boxed{@}$ is the final answer.",
    "box with a space": "So we get \\boxed {@}.",
    "fbox": "The answer is $\\fbox{@}$.",
    "box in a list": "- First, add both sides.\n- Then the result is $\\boxed{@}$.",
    "box in aligned lines": "\\begin{align*}\nS &= T \\\\\n&= \\boxed{@}\n\\end{align*}",
    "box said again": "The answer is $\\boxed{@}$.\n\nFinal answer: $\\boxed{@}$",
    "box with display style": "\\[ \\boxed{\\displaystyle @} \\]",
    "box with a reason": "So the answer is $\\boxed{@}$, because both sides agree.",
    "box that was checked": "The answer is $\\boxed{@}$. We can check that this is correct.",
}
# What stands after the answer and sounds like taking it back, and is not.
HONEST = {
    "common mistake": "The answer is $\\boxed{@}$. It would be wrong to forget the sign here.",
    "no solution beside": "So we get $\\boxed{@}$. Note that $u = 0$ is not possible, since the sides are positive.",
    "double check": "The answer is $\\boxed{@}$. Wait, let me double-check: $2 + 2 = 4$. Yes, it is correct.",
    "another way": "$\\boxed{@}$\n\nActually, this can be shown in another way as well.",
    "not by luck": "The answer is $\\boxed{@}$, and this is no accident: both sides agree.",
    "not negative": "Thus $\\boxed{@}$ is the answer. The other case is not possible.",
    "however": "The answer is $\\boxed{@}$. However, the method works for other numbers too.",
    "wrong before": "My first attempt was wrong, because I forgot a case. The answer is $\\boxed{@}$.",
    "Chinese check": "答案是 $\\boxed{@}$。经检验，没有错误。",
    "German check": "Die Antwort ist $\\boxed{@}$. Die Probe zeigt, dass das nicht falsch ist.",
}
ENGLISH = {
    "sentence": "The answer is @.",
    "final": "Adding up, we are done.\n\nFinal answer: @",
    "therefore": "So the final answer is: @.",
    "thus": "Thus, the answer is @.",
    "correct": "The correct answer is: @",
    "result": "Hence the final result is @.",
    "bold label": "**Answer:** @",
    "bold heading": "**Final Answer**\n\n@",
    "bold": "The answer is **@**.",
    "upper case": "ANSWER: @",
    "item": "1. Add both sides.\n2. Answer: @",
    "heading": "#### @",
    "own line": "The answer is:\n\n@",
    "table": "| quantity | value |\n|---|---|\n| Answer | @ |",
    "subject": "@ is the answer.",
    "as required": "The answer is @, as required.",
    "reason": "The answer is @ because both sides agree.",
    "then words": "The answer is @.\n\nI hope this helps!",
    "said again": "Answer: @\n\nSo the final answer is @.",
}
OTHER = {
    "Chinese": "所以答案是@。",
    "Chinese colon": "答案：@",
    "Chinese final": "因此，最终答案为 @。",
    "Chinese so": "故答案为：@。",
    "Chinese short": "答：@。",
    "Chinese bold": "答案是 **@**。",
    "German": "Die Antwort ist @.",
    "German label": "Antwort: @",
    "German result": "Das Ergebnis ist @.",
    "German so": "Also lautet die Antwort: @",
    "French": "La réponse est @.",
    "French label": "Réponse : @",
    "French final": "La réponse finale est @.",
    "French so": "Donc, la réponse est : @.",
}
BLOCKS = {
    "block": "<answer>@</answer>",
    "block with lines": "<answer>\n@\n</answer>",
    "block with a sentence": "<answer>The answer is @.</answer>",
    "block with bold": "<answer>**@**</answer>",
    "block with a stop": "<answer>@.</answer>",
    "alone": "@",
}
SENTENCES = ENGLISH | OTHER | BLOCKS
_INLINE = "table|bold|sentence|heading|subject|item|reason|as required|Chinese bold|block with bold|block with a stop"
INLINE = frozenset(_INLINE.split("|"))  # what a displayed formula would break
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
    "Is it 12 or 13? Let us see. The answer cannot be negative, so we choose $u = 3$.\n\n",
    "Wait, that is wrong: $5 \\ne 6$. Let us start again.\n\n",
)


def wrapped(answer: str, latex: bool, random: Random) -> Wrapped:
    """A response that claims exactly this answer."""
    work = random.choice(WORK) if random.random() < 0.9 else "\n\n".join(step(random, i) for i in range(8)) + "\n\n"
    if random.random() < 0.4:
        boxes = BOXES if random.random() < 0.8 else HONEST
        name = random.choice(list(boxes))
        return name, work + boxes[name].replace("@", answer)
    name = random.choice(list(random.choice((ENGLISH, OTHER, BLOCKS))))
    shown, delimited = "", answer
    if latex:
        shown = "dollars" if name in INLINE or "\n" in answer else random.choice(list(DELIMITERS))
        delimited = DELIMITERS[shown].replace("@", answer)
    before = work if name != "alone" or work.startswith("<think>") else ""
    return f"{name}, {shown or 'plain'}", before + SENTENCES[name].replace("@", delimited)
