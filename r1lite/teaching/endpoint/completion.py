"""One chat completion over HTTP, as every OpenAI-compatible server gives it; and what each way of failing means.

Not followed: redirects, since the key would go with them. The key stands in no message.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from r1lite.teaching.endpoint.rate_limit import retry_after

LARGEST = 32 * 2**20  # bytes of one answer
AGAIN = {408, 409, 425, 429}  # and every 5xx: it may go better in a moment
LOOPBACK = ("localhost", "127.0.0.1", "::1")
HOPELESS = {401, 402, 403, 404, 405}  # whatever is asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    key: str
    content: str
    reasoning: str = ""  # where the server gives it apart
    finish: str = "stop"
    tokens_in: int | None = None  # None where the server does not say
    tokens_out: int | None = None


class Gone(ValueError):
    """The endpoint cannot be worked with any more, or never could."""


class Trouble(Exception):
    """It may go better in a moment."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait  # seconds, where the endpoint says so


class Refused(Exception):
    """This request will never be answered."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


class Server:
    """Where completions come from."""

    def __init__(self, url: str, api_key: str, timeout: float) -> None:
        self.url, self.key, self.timeout = address(url), api_key, timeout
        here = urllib.parse.urlsplit(self.url).hostname in LOOPBACK
        # A proxy that the environment names cannot reach this machine's own servers.
        self.opener = urllib.request.build_opener(NoRedirect, *([urllib.request.ProxyHandler({})] if here else []))

    def complete(self, key: str, fields: Mapping[str, Any]) -> Answer:
        """The answer; Trouble, Refused or Gone where there is none."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "r1lite"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url, data=json.dumps(fields).encode(), headers=headers, method="POST")
        try:
            with self.opener.open(request, timeout=self.timeout) as response:
                return as_answer(key, read_whole(response, time.monotonic() + self.timeout))
        except urllib.error.HTTPError as error:
            raise self._told(error) from None
        except (OSError, http.client.HTTPException) as error:  # no connection, no answer in time, or half of one
            reason = getattr(error, "reason", error)
            raise Trouble(self._without_key(f"{type(reason).__name__}: {reason}")) from None

    def _told(self, error: urllib.error.HTTPError) -> Exception:
        """What an HTTP status means for this request, and for the others."""
        try:
            with error:
                said = " ".join(error.read(2000).decode(errors="replace").split())[:300]
        except (OSError, http.client.HTTPException):
            said = ""
        why = self._without_key(f"HTTP {error.code}{f': {said}' if said else ''}")
        if error.code in AGAIN or error.code >= 500:
            return Trouble(why, retry_after(error.headers.get("Retry-After"), datetime.now(UTC)))
        if error.code in HOPELESS or error.code < 400:
            return Gone(f"{why} (teacher.url, teacher.model or the key in teacher.api_key_env does not fit)")
        return Refused(why)

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "***") if self.key else text


def address(url: str) -> str:
    return url if url.partition("?")[0].endswith("/chat/completions") else f"{url.rstrip('/')}/chat/completions"


def api_key(variable: str) -> str:
    """The key that an environment variable holds; empty where none is named."""
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ValueError(
            f"teacher.api_key_env={variable}, but there is no such environment variable, or it is empty: export {variable}=..."
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError(f"the environment variable {variable} (teacher.api_key_env) holds what is no key: it has spaces or odd characters")
    return key


def read_whole(response: Any, deadline: float) -> bytes:
    """All of a body, unless it drips or never ends."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(65536):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise Trouble(f"an answer of more than {LARGEST // 2**20} MB")
        if time.monotonic() > deadline:
            raise TimeoutError("the answer was not whole in time")
    return b"".join(parts)


def as_answer(key: str, body: bytes) -> Answer:
    """The first choice of a chat completion."""
    try:
        whole = json.loads(body)
        choice = whole["choices"][0]
        message = choice["message"]
        content, reasoning = _text(message.get("content")), message.get("reasoning_content") or message.get("reasoning")
        usage = whole.get("usage") or {}
        return Answer(
            key=key,
            content=content,
            reasoning=reasoning if isinstance(reasoning, str) else "",
            finish=str(choice.get("finish_reason") or "stop"),
            tokens_in=_count(usage.get("prompt_tokens")),
            tokens_out=_count(usage.get("completion_tokens")),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Trouble(f"what came is no chat completion: {body[:80]!r}") from None


def _text(content: Any) -> str:
    """Text, or a list of parts of which some are text; nothing where all went into the reasoning."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
