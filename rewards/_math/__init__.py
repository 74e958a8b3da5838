"""What the `math` rule is made of, in the order in which a response walks through it.

`finding` says what the response claims to be the answer, and whether it takes that back; `reading` makes expressions and
structures of two texts; `comparing` sets one beside the other, cheapest comparison first; `algebra`, below all of them, holds
expressions and decides whether two of them are equal. Each imports from itself and from what this list names after it.
"""
