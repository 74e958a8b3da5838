"""Data sets of reasoning-gym that nobody should train on, and why. Looked at in 0.1.25; a test walks over all of them."""

REFUSED = {
    "boxnet": "it gives no answer, and pays any plan by how many boxes it lifts",
    "composite": "it is a mixture of others: name those in task.names, with task.weights",
    "game_of_life_halting": "its scorer compares truth values of texts, so every answer is right",
    "propositional_logic": "its scorer takes any premise, copied, for a conclusion",
    "rush_hour": "it gives no answer, so nothing shows that a problem can be solved",
    "syllogism": "it holds two invalid forms for valid (the undistributed middle), so a part of its answers is wrong (issue 536 there)",
}
