"""What rewards pay for gold answers, wrong answers and hacks: the responses, their scores, and what is wrong with these."""
