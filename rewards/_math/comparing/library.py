"""The last resort, `math-verify` (with sympy): for notation that this package does not read itself.

Covered: only short texts without words, towers, large exponents, factorials and variables that are bound; both
directions have to agree, because it is not symmetric. It is called without its alarm, which only works in a main thread.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from rewards._math.reading.clean import clean

MAX_CHARACTERS = 200
_REFUSED = re.compile(
    r"\\(?:int|iint|oint|sum|prod|lim|text|mathrm|textbf|mathbb|partial|nabla|binom|boxed|begin|not|sup|inf|max|min)(?![A-Za-z])"
    r"|\\frac\s{0,9}\{\s{0,9}d|!|\d{16}|[=<>,;|&]|\\(?:le|ge|ne|approx|in|to|pm|mp|lor|land|cup)(?![A-Za-z])|\^\{?[^{}]{0,8}\^|\^\{?-?\d{4}"
)
_COMMAND = re.compile(r"\\[A-Za-z]+")


def agrees(gold: str, given: str) -> bool:
    """Whether math-verify finds both texts equal, in both directions; False for what it is not asked."""
    gold, given = clean(gold), clean(given)
    if not all(_safe(t) for t in (gold, given)):
        return False
    try:
        from math_verify import LatexExtractionConfig, parse, verify
    except ImportError as error:
        raise ValueError("the math rule needs the extra `math` for this answer: pip install 'r1lite[math]'") from error
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    # None is no time limit: the library's own is an alarm signal, which raises in any thread but the main one.
    options: dict[str, Any] = {"extraction_config": [LatexExtractionConfig()], "parsing_timeout": None}
    left, right = (parse(f"${t}$", **options) for t in (gold, given))
    return bool(left and right) and all(verify(a, b, timeout_seconds=None) for a, b in ((left, right), (right, left)))


def may_read(text: str) -> bool:
    """Whether math-verify is asked about such a text."""
    return _safe(clean(text))


def _safe(text: str) -> bool:
    return 0 < len(text) <= MAX_CHARACTERS and text.count("{") < 20 and text.count("(") < 10 and _plain(text)


def _plain(text: str) -> bool:
    return not _REFUSED.search(text) and not re.search(r"[A-Za-z]{3}", _COMMAND.sub(" ", text)) and bool(_COMMAND.search(text))
