"""The texts of the metrics page, by section. `<rule>` stands for the name of any rule; a name without it has precedence.

Each has a unit and a meaning. Most have a healthy range (low, high) and say what to look at outside it, or in the wrong direction
(watch).
"""

from __future__ import annotations

from typing import Any

from r1lite.reporting.rollout_texts import ROLLOUTS

SHARE, NATS, TOKENS, COUNT, REWARD, SECONDS = "share, 0 to 1", "nats per token", "tokens", "count", "reward", "seconds"

REWARDS: dict[str, dict[str, Any]] = {
    "reward/mean": {
        "unit": REWARD,
        "meaning": "Mean reward of the step's rollouts (the weighted sum of its rules), without those on which a rule failed or timed out.",
        "watch": "It should rise. If it does not, look at `zero_variance_share` first: groups without signal teach nothing.",
    },
    "reward/std": {
        "unit": REWARD,
        "meaning": "Standard deviation of the rewards over all rollouts of the step, within and between problems.",
        "watch": "0 means that all rewards are equal, and nothing can be learnt.",
        "low": 1e-6,
    },
    "reward/<rule>": {
        "unit": "value of the rule, before its weight",
        "meaning": "Mean value of one rule over the rollouts that it scored.",
        "watch": "If the rule of the form rises and the rule of correctness does not, the form is being gamed: read the rollouts.",
    },
    "zero_variance_share": {
        "unit": SHARE,
        "meaning": "Share of groups whose rewards are all equal, so that no rollout is better than another. They are not trained on.",
        "watch": "The problems are too easy or too hard for the model: change the task's difficulty, raise `rl.group_size`, or add a cold "
        "start. `algorithm.refill_rounds` replaces such groups.",
        "high": 0.9,
    },
    "outcome/<rule>/abstained": {
        "unit": SHARE,
        "meaning": "Share of rollouts on which the rule had nothing to say, such as a rule of another part of a mixture. Absent at 0.",
        "watch": "If it should have had something to say, its reasons are in the ledger.",
    },
    "outcome/<rule>/failed": {
        "unit": SHARE,
        "meaning": "Share of rollouts on which the rule raised an error. They are not trained on. Absent at 0.",
        "watch": "Read the rule's reasons in the ledger. `scoring.max_failed_share` stops the run.",
        "high": 0.0,
    },
    "outcome/<rule>/timed_out": {
        "unit": SHARE,
        "meaning": "Share of rollouts on which the rule missed its deadline. They are not trained on. Absent at 0.",
        "watch": "Make the rule faster, or raise `scoring.seconds`.",
        "high": 0.01,
    },
}
RESPONSES: dict[str, dict[str, Any]] = {
    "response/length_mean": {
        "unit": TOKENS,
        "meaning": "Mean length of a response, with its end token.",
        "watch": "A fall to a few tokens means that the model stopped reasoning; a steady rise to `sampler.max_tokens`, that it no longer "
        "ends.",
    },
    "response/clipped_share": {
        "unit": SHARE,
        "meaning": "Share of responses that were cut off at `sampler.max_tokens`.",
        "watch": "Raise `sampler.max_tokens`. Near 1 from the start, the model does not write its end token: check the chat template.",
        "high": 0.1,
    },
    "entropy": {
        "unit": NATS,
        "meaning": "Mean entropy of the model's distribution over the next token: how undecided it is.",
        "watch": "A fall to nearly 0 in the first steps means that the model repeats itself: lower `rl.lr` or raise "
        "`algorithm.clip_high`. A rise to several nats means that it writes noise: lower `rl.lr`.",
        "low": 0.001,
        "high": 4.0,
    },
    "tokens/prompt": {"unit": TOKENS, "meaning": "Tokens of the step's prompts, each counted once."},
    "tokens/completion": {"unit": TOKENS, "meaning": "Tokens that the model wrote in the step."},
    "tokens/trained": {
        "unit": TOKENS,
        "meaning": "Tokens trained on in the step, over all its updates and epochs, without those of groups without signal.",
        "watch": "At 0 nothing was trained in this step: see `zero_variance_share` and `outcome/<rule>/failed`.",
        "low": 1.0,
    },
    "prompts/skipped": {
        "unit": COUNT,
        "meaning": "Prompts that were longer than `prompt.max_tokens`, since the stage started or resumed.",
        "watch": "If it is many, raise `prompt.max_tokens`.",
    },
    "prompts/passed_over": {
        "unit": COUNT,
        "meaning": "Problems that the curriculum passed over, since the stage started or resumed.",
    },
    "prompts/settled": {
        "unit": COUNT,
        "meaning": "Problems whose last group was all correct or all wrong, so that the curriculum seldom takes them.",
    },
}
UPDATE: dict[str, dict[str, Any]] = {
    "loss": {
        "unit": "loss",
        "meaning": "The loss that was minimised. In RL it is near 0 by construction, because advantages of a group cancel out; it "
        "does not measure progress. Where a model learns from examples, it is the mean negative log-likelihood of a token.",
        "watch": "In RL watch `reward/mean` instead. In supervised stages it should fall.",
    },
    "grad_norm": {
        "unit": "norm",
        "meaning": "Norm of the gradient before it is clipped to the stage's `max_grad_norm`.",
        "watch": "Single spikes are clipped. If it stays at many times its early values, lower the stage's `lr`.",
        "high": 100.0,
    },
    "lr": {"unit": "learning rate", "meaning": "Learning rate of the step's last update, after warm-up and decay."},
    "update/size": {
        "unit": "share",
        "meaning": "Learning rate over the root mean square of the weights that the stage began with: how far one step of AdamW moves a "
        "typical weight.",
        "watch": "Above 0.1 a step replaces much of what a weight was: lower the stage's `lr`.",
        "high": 0.1,
    },
    "ratio/mean": {
        "unit": "ratio",
        "meaning": "Mean probability ratio of the policy to the one before the step, over the trained tokens: how far the updates of one "
        "step moved it. 1 in a step's first update.",
        "watch": "Lower `rl.lr`, `rl.epochs` or `rl.updates_per_step`.",
        "low": 0.8,
        "high": 1.25,
    },
    "ratio/clip_share": {
        "unit": SHARE,
        "meaning": "Share of trained tokens whose gradient the gate stopped because their ratio had moved too far. Always 0 with one "
        "update per step, in which the ratio is 1.",
        "watch": "The step goes too far: lower `rl.lr`, or make fewer updates of the same rollouts.",
        "high": 0.3,
    },
    "kl": {
        "unit": NATS,
        "meaning": "Estimate (k3) of the KL divergence of the policy from the reference; only if the algorithm has a reference.",
        "watch": "A fast rise means that the policy leaves its start: lower `rl.lr` or raise `algorithm.kl_coef`.",
        "high": 1.0,
    },
}
SAMPLER: dict[str, dict[str, Any]] = {
    "parity/mean": {
        "unit": NATS,
        "meaning": "Mean difference between the sampler's log-probs and the trainer's, for the same tokens and weights. Above "
        "`parity.threshold` (or `parity.threshold_bfloat16`) the step is not trained on.",
        "watch": "Sampler and trainer compute different functions. The message of a refused step names the likely cause.",
        "high": 0.1,
    },
    "parity/max": {
        "unit": NATS,
        "meaning": "The largest of these differences.",
        "watch": "A large one beside a small mean is one wrong token, often the end token.",
        "high": 2.0,
    },
    "mismatch/kl": {
        "unit": NATS,
        "meaning": "Estimate (k3) of the KL divergence of the sampler from the trainer before the step's first update; with a lag, also "
        "of the training steps in between.",
        "watch": "Use `algorithm.correction`, a smaller `rl.lag`, or the same precision in sampler and trainer.",
        "high": 0.05,
    },
    "correction/share": {
        "unit": SHARE,
        "meaning": "Share of tokens whose importance weight `algorithm.correction` truncated or masked.",
        "watch": "The sampler differs much from the trainer: see `mismatch/kl`.",
        "high": 0.2,
    },
    "episode/turns_mean": {"unit": "turns", "meaning": "Mean number of the model's turns in an episode."},
    "episode/given_mean": {"unit": "tokens", "meaning": "Mean number of tokens in an episode that the environment wrote."},
    "episode/turn_limit_share": {
        "unit": SHARE,
        "meaning": "Share of episodes that `episode.turns` ended.",
        "watch": "Raise `episode.turns` if the model would have needed more.",
        "high": 0.5,
    },
    "episode/failed_share": {
        "unit": SHARE,
        "meaning": "Share of episodes whose environment failed or missed its deadline. They are not trained on.",
        "watch": "Read the reasons in the ledger. `scoring.max_failed_share` stops the run.",
        "high": 0.0,
    },
    "staleness/mean": {
        "unit": "steps",
        "meaning": "Mean number of training steps by which the weights that sampled a token lag behind the trainer's. Only with "
        "`rl.asynchronous`.",
        "watch": "It is bounded by `rl.lag`.",
    },
    "staleness/max": {
        "unit": "steps",
        "meaning": "The same for the oldest first token of a rollout.",
        "watch": "It is bounded by `rl.lag`.",
    },
    "staleness/mixed_share": {
        "unit": SHARE,
        "meaning": "Share of rollouts during which new weights arrived, so that several versions sampled them.",
    },
    "groups/dropped": {
        "unit": COUNT,
        "meaning": "Groups that were dropped because they would have been older than `rl.lag`; only with `rl.wait_for_slow=false`.",
        "watch": "Raise `rl.lag`, or set `rl.wait_for_slow=true`.",
    },
    "sampler/idle_share": {
        "unit": SHARE,
        "meaning": "Share of the time in which a vLLM server had no request, as a mean over the servers.",
        "watch": "The servers wait for the trainer: set `rl.lag=1` or `rl.asynchronous=true`, or use fewer servers.",
        "high": 0.5,
    },
}
CRITIC: dict[str, dict[str, Any]] = {
    "critic/loss": {
        "unit": "squared reward",
        "meaning": "Half the squared error of the critic's values, as PPO clips it.",
        "watch": "It should fall to below half the variance of the rewards. If not, the critic knows nothing: raise `algorithm.critic_lr`.",
    },
    "critic/clip_share": {
        "unit": SHARE,
        "meaning": "Share of tokens whose value moved further than `algorithm.value_clip` within the step.",
        "watch": "Lower `algorithm.critic_lr`.",
        "high": 0.5,
    },
    "critic/explained_variance": {
        "unit": "share, at most 1",
        "meaning": "Share of the returns' variance that the critic's values explain. 0 is no better than a constant.",
        "watch": "If it stays near 0, raise `algorithm.critic_lr`.",
    },
    "critic/value_mean": {
        "unit": REWARD,
        "meaning": "Mean value that the critic predicted before the step.",
        "watch": "It should follow `reward/mean`.",
    },
}
PAIRS: dict[str, dict[str, Any]] = {
    "accuracy": {
        "unit": SHARE,
        "meaning": "Share of pairs on the right side: the preferred response has the higher implicit reward (dpo) or score (reward_model).",
        "watch": "0.5 is chance. At 1 from early on, the pairs are too easy.",
        "low": 0.5,
    },
    "reward/chosen": {
        "unit": "implicit reward (dpo), score (reward_model)",
        "meaning": "Mean for the preferred responses. In dpo: beta times the gain of their log-prob over the reference.",
        "watch": "In dpo, far below 0 means that the preferred responses became less likely too: raise `dpo.nll_coef`, or lower `dpo.lr`.",
    },
    "reward/rejected": {
        "unit": "implicit reward (dpo), score (reward_model)",
        "meaning": "The same for the rejected responses.",
        "watch": "It should stay below `reward/chosen`.",
    },
    "margin": {
        "unit": "implicit reward (dpo), score (reward_model)",
        "meaning": "Mean difference of the two.",
        "watch": "It should rise above 0.",
    },
    "agreement": {
        "unit": SHARE,
        "meaning": "Share of tokens for which student and teacher rank the same token first; only with `distill.method=on_policy`.",
        "watch": "It should rise. If it does not, the student is too small, or `distill.lr` too low.",
    },
    "gate/live_share": {
        "unit": SHARE,
        "meaning": "Share of groups with signal when the weights of this step answer training problems, as RL would sample them; only "
        "with `cold_start.gate=signal`, at the steps that are measured.",
        "watch": "The weights with the largest are kept. If all are near 0, train on other examples, or choose easier problems.",
        "low": 0.1,
    },
    "gate/pass_rate": {"unit": SHARE, "meaning": "Share of correct responses in that measurement.", "low": 0.01, "high": 0.99},
    "gate/entropy": {"unit": NATS, "meaning": "Entropy in that measurement, estimated from the sampled tokens."},
    "gate/length_mean": {"unit": TOKENS, "meaning": "Mean length of a response in that measurement."},
}
TIME: dict[str, dict[str, Any]] = {
    "seconds/total": {"unit": SECONDS, "meaning": "Wall-clock time of the step, without checkpoints and evaluation."},
    "seconds/sample": {"unit": SECONDS, "meaning": "Time until the last group was sampled. Scoring runs meanwhile."},
    "seconds/score": {
        "unit": SECONDS,
        "meaning": "Time that scoring took after the last group was sampled.",
        "watch": "If it is a large part of the step, raise `scoring.workers`.",
    },
    "seconds/wait": {
        "unit": SECONDS,
        "meaning": "Time that the step waited for its rollouts; with `rl.lag=1`, less than sampling took.",
    },
    "seconds/check": {"unit": SECONDS, "meaning": "Time of the parity check."},
    "seconds/train": {"unit": SECONDS, "meaning": "Time of credit assignment and of the updates; of the whole step in other stages."},
    "seconds/sync": {"unit": SECONDS, "meaning": "Time until the sampler had the new weights."},
}
TEXTS: dict[str, dict[str, dict[str, Any]]] = {
    "Rewards and signal": REWARDS,
    "Responses and data": RESPONSES,
    "Rollouts, for the diagnosis": ROLLOUTS,
    "The update": UPDATE,
    "Sampler and trainer": SAMPLER,
    "The critic": CRITIC,
    "Pairs, distillation, cold start": PAIRS,
    "Time": TIME,
}
