"""The texts of the numbers on a step's rollouts that the diagnosis logs: `rollouts/*`. They are as in metric_texts.py."""

from __future__ import annotations

from typing import Any

SHARE = "share, 0 to 1"
CORRELATION = "correlation, -1 to 1"

ROLLOUTS: dict[str, dict[str, Any]] = {
    "rollouts/right": {"unit": SHARE, "meaning": "Share of correct responses.", "watch": "It should rise with `reward/mean`."},
    "rollouts/all_right": {"unit": SHARE, "meaning": "Share of groups in which all responses are correct."},
    "rollouts/all_wrong": {"unit": SHARE, "meaning": "Share of groups in which no response is correct."},
    "rollouts/answered": {"unit": SHARE, "meaning": "Share of responses with an answer block, which most rules look for."},
    "rollouts/bare_prompt": {
        "unit": "0 or 1",
        "meaning": "Whether the first prompt of the step is the question and nothing else, without a template around it.",
        "watch": "Unless the template is in the data, restore the model's chat template.",
        "high": 0.5,
    },
    "rollouts/looping": {
        "unit": SHARE,
        "meaning": "Share of responses of which at least half repeats what they have written before.",
        "watch": "The model degenerates: lower `rl.lr`, and read the rollouts.",
        "high": 0.2,
    },
    "rollouts/distinct": {"unit": SHARE, "meaning": "Share of a group's responses that differ from each other, as a mean over the groups."},
    "rollouts/top_answer": {
        "unit": SHARE,
        "meaning": "Share of the most frequent answer among all answers of the step.",
        "watch": "Far above `rollouts/top_expected`, the model gives the same answer to different problems.",
    },
    "rollouts/top_expected": {"unit": SHARE, "meaning": "Share of the most frequent expected answer among the step's problems."},
    "rollouts/agreement": {
        "unit": SHARE,
        "meaning": "Share of the pairs of responses in a group that give the same answer, as a mean over the groups.",
    },
    "rollouts/majority_right": {
        "unit": SHARE,
        "meaning": "Share of groups whose most frequent answer is correct.",
        "watch": "Near 0 while `rollouts/agreement` is high, the expected answers may be wrong.",
    },
    "rollouts/reward_with_right": {
        "unit": CORRELATION,
        "meaning": "Correlation of reward and correctness within groups.",
        "watch": "At or below 0, the reward does not pay for correct responses.",
        "low": 0.0,
    },
    "rollouts/reward_with_length": {
        "unit": CORRELATION,
        "meaning": "Correlation of reward and length within groups, among responses that are equally correct.",
    },
    "rollouts/reward_beside_right": {
        "unit": SHARE,
        "meaning": "Share of the reward's variance within groups that is among responses that are equally correct.",
    },
    "rollouts/variance/<rule>": {
        "unit": SHARE,
        "meaning": "Share of the rule in the variance of the rewards within groups: how much of the signal is its own.",
    },
    "rollouts/source/<part>/dead": {
        "unit": SHARE,
        "meaning": "Share of groups in which all responses are right, or none, among those of a mixture's part.",
        "watch": "Near 1, the part is too hard or too easy, and its rollouts are wasted.",
        "high": 0.95,
    },
    "rollouts/source/<part>/right": {"unit": SHARE, "meaning": "Share of correct responses to a mixture's part."},
}
