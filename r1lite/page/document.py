"""The HTML file. A rollout is hostile input: no text of the run is ever part of the markup.

Covered: the content security policy allows the one script and the one style sheet whose hashes it names, no request to anywhere,
and no string to become markup (trusted types). The data is JSON in which "<" is escaped, so that it cannot end its element; the
rollouts are compressed besides. The script sets text only through `textContent`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from functools import cache
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent / "assets"
SCRIPTS = ("basics", "charts", "panels", "overview", "search", "rollouts", "main")
POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; connect-src {connect}; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
DOCUMENT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>r1lite run</title>
<style>{style}</style>
</head>
<body>
<noscript>This page draws its charts with a script, which is in this file and reads nothing else. Allow scripts to see it.</noscript>
<main id="page"></main>
<script type="application/json" id="overview">{overview}</script>
<script type="application/octet-stream" id="rollouts">{rollouts}</script>
<script>{script}</script>
</body>
</html>
"""


def document(overview: Any, rollouts: Any, *, live: bool = False) -> str:
    """The page. A live one may ask the server that it came from."""
    script, style = _assets()
    policy = POLICY.format(script=_hash(script), style=_hash(style), connect="'self'" if live else "'none'")
    return DOCUMENT.format(
        policy=html.escape(policy, quote=True).replace("&#x27;", "'"),
        style=style,
        script=script,
        overview=embedded(overview | {"live": live}),
        rollouts="" if live else base64.b64encode(packed(rollouts)).decode(),
    )


def embedded(value: Any) -> str:
    """JSON inside of an HTML element, which no text in it can end."""
    return compact(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def compact(value: Any) -> str:
    """ASCII only, so that half a surrogate pair in a response is written as what it is."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def packed(value: Any) -> bytes:
    return gzip.compress(compact(value).encode(), 6, mtime=0)


@cache
def _assets() -> tuple[str, str]:
    parts = [(ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n", (ASSETS / "page.css").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
