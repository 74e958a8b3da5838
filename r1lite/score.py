"""`python -m r1lite.score`: score completions that come from outside of a run."""

from __future__ import annotations

from r1lite.scoring.scorer import RuleBroken, Scorer

__all__ = ["RuleBroken", "Scorer"]

if __name__ == "__main__":
    from r1lite.commands.score_file import main

    main()
