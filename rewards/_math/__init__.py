"""What the `math` rule is made of, in the order in which a response walks through it.

`extract` finds what the response claims, `clean` and `lex` write it one way, `answer` reads its structure, `parse` its
expressions, `compare` sets it beside the gold answer, and `equal` decides on two expressions, cheapest proof first.
"""
