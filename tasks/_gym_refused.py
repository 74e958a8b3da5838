"""Data sets of reasoning-gym that are unfit for training, with the reason. Checked at version 0.1.25; a test covers all data sets."""

REFUSED = {
    "boxnet": "it has no answers, and pays any plan by the number of boxes it lifts",
    "composite": "it mixes other data sets: list those in task.names, with task.weights",
    "propositional_logic": "its scorer accepts any copied premise as a conclusion",
    "rush_hour": "it has no answers, so nothing shows that a problem can be solved",
    "syllogism": "it treats two invalid forms as valid (the undistributed middle), so some of its answers are wrong (its issue 536)",
}
