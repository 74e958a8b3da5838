"""Text that rules, tasks and the trainer share: responses, words, languages, rows of files. Imports no rule, task or model."""
