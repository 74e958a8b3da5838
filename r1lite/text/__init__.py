"""Text as rules, tasks and the trainer read it: responses, words, languages, rows of files. Knows no rule, task or model."""
