"""What the `math` rule is made of, in the order in which a response walks through it.

`extract` finds what the response claims; `clean`, with `notations` and `markup`, and `lex` write it one way; `answer` reads
its structure (`tables`, `builders`, `families`), `parse` and `quantity` its expressions; `compare` sets it beside the gold
answer; and `equal` decides on two expressions, cheapest proof first.
"""
