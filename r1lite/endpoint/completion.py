"""One chat completion from an OpenAI-compatible server over HTTP, and the meaning of each way to fail.

Redirects are not followed, since the API key would go with them. The key never appears in a message.
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

from r1lite.endpoint.rate_limit import retry_after

MAX_BYTES = 32 * 2**20  # of one answer
RETRYABLE = {408, 409, 425, 429}  # HTTP statuses that a retry may cure, as may every 5xx
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FATAL = {401, 402, 403, 404, 405}  # HTTP statuses that every request would get


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A chat completion."""

    key: str  # of the question
    content: str
    reasoning: str = ""  # if the server reports it separately
    finish: str = "stop"
    tokens_in: int | None = None  # None if the server does not report it
    tokens_out: int | None = None


class EndpointError(ValueError):
    """The endpoint does not work, or has stopped working."""


class Retryable(Exception):
    """The request failed, but may succeed later."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait  # seconds, if the endpoint asks for a pause


class RequestRefused(Exception):
    """The endpoint will never answer this request."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes a redirect an error."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


class Server:
    """The server at one address. `section` holds the settings that its errors name, such as teacher."""

    def __init__(self, url: str, api_key: str, timeout: float, section: str) -> None:
        self.url, self.key, self.timeout, self.section = address(url), api_key, timeout, section
        local = urllib.parse.urlsplit(self.url).hostname in LOOPBACK
        # A proxy set in the environment cannot reach servers on this machine.
        self.opener = urllib.request.build_opener(NoRedirect, *([urllib.request.ProxyHandler({})] if local else []))

    def complete(self, key: str, fields: Mapping[str, Any]) -> Answer:
        """The answer to one request. Raises Retryable, RequestRefused or EndpointError."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "r1lite"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url, data=json.dumps(fields).encode(), headers=headers, method="POST")
        try:
            with self.opener.open(request, timeout=self.timeout) as response:
                return as_answer(key, read_whole(response, time.monotonic() + self.timeout))
        except urllib.error.HTTPError as error:
            raise self._error_of(error) from None
        except (OSError, http.client.HTTPException) as error:  # no connection, a timeout, or a truncated answer
            reason = getattr(error, "reason", error)
            raise Retryable(self._without_key(f"{type(reason).__name__}: {reason}")) from None

    def _error_of(self, error: urllib.error.HTTPError) -> Exception:
        """The exception for an HTTP status."""
        try:
            with error:
                message = " ".join(error.read(2000).decode(errors="replace").split())[:300]
        except (OSError, http.client.HTTPException):
            message = ""
        why = self._without_key(f"HTTP {error.code}{f': {message}' if message else ''}")
        if error.code in RETRYABLE or error.code >= 500:
            return Retryable(why, retry_after(error.headers.get("Retry-After"), datetime.now(UTC)))
        if error.code in FATAL or error.code < 400:
            return EndpointError(f"{why} (check {self.section}.url, {self.section}.model and the key in {self.section}.api_key_env)")
        return RequestRefused(why)

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "***") if self.key else text


def address(url: str) -> str:
    """The address of chat completions for a base URL such as http://host/v1."""
    return url if url.partition("?")[0].endswith("/chat/completions") else f"{url.rstrip('/')}/chat/completions"


def check_address(section: str, url: str) -> None:
    """Raise ValueError if the URL is not the address of an endpoint, or holds a secret."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{section}.url={url!r} must be the address of an endpoint, such as http://localhost:8000/v1")
    if parts.username or parts.password:
        raise ValueError(
            f"{section}.url contains a secret, and settings are written to files: name an environment variable in {section}.api_key_env"
        )


def api_key(section: str, variable: str) -> str:
    """The API key in an environment variable; empty if no variable is named."""
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ValueError(
            f"{section}.api_key_env={variable}, but there is no such environment variable, or it is empty: export {variable}=..."
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError(
            f"the environment variable {variable} ({section}.api_key_env) is not a valid key: it contains spaces or unusual characters"
        )
    return key


def read_whole(response: Any, deadline: float) -> bytes:
    """The whole body of a response. Raises if it is too large, or arrives too slowly."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(65536):
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise Retryable(f"the answer is larger than {MAX_BYTES // 2**20} MB")
        if time.monotonic() > deadline:
            raise TimeoutError("the answer was not complete in time")
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
        raise Retryable(f"the answer is not a chat completion: {body[:80]!r}") from None


def _text(content: Any) -> str:
    """The text of a message, which may be a list of parts; empty if there is only reasoning."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
