"""`python -m r1lite.score`: score completions that were not sampled in a run. `r1lite.score(...)` does it in Python."""

from __future__ import annotations

from r1lite.api.callable import make_callable
from r1lite.api.score import score
from r1lite.scoring.scorer import RuleBroken, Scorer

__all__ = ["RuleBroken", "Scorer", "score"]

if __name__ == "__main__":
    from r1lite.commands.score_file import main

    main()
else:
    make_callable(__name__, score)
