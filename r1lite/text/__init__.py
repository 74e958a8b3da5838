"""What rules, tasks and the trainer read in text: responses, words, languages, rows of files. Knows no rule, task or model."""
