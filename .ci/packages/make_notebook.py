"""Writes a notebook whose rule has to be sent to a scoring worker, and which draws a table."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

CODE = """\
import pandas as pd
import r1lite

def loud(problem, rollout):
    return float(rollout.response.isupper())

table = pd.DataFrame({"reward": [s.reward for s in r1lite.score(["A", "a"], rewards=[loud])]})
table.plot()
print("rewards:", *table["reward"])
"""

nbformat.write(new_notebook(cells=[new_code_cell(CODE)]), "page.ipynb")
