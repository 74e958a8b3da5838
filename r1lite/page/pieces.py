"""How many characters of a response each of its tokens wrote, so that tokens can be coloured in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from r1lite.config import PACKAGE

TOKENIZER = "tokenizer.json"
BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Pieces:
    """The bytes of a tokenizer's tokens."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(file))
        self.added = {number: token.content.encode() for number, token in self.tokenizer.get_added_tokens_decoder().items()}
        self.by_bytes = "ByteLevel" in file.read_text(encoding="utf-8")[:200_000]
        self.known: dict[int, bytes] = {}

    def lengths(self, tokens: Sequence[int], response: str) -> tuple[int, list[int]] | None:
        """The characters before the first token, and those of each token; None if the tokens do not write this response."""
        whole = response.encode("utf-8", errors="replace")
        pieces = [self.bytes_of(token) for token in tokens]
        if pieces and not whole.endswith(b"".join(pieces)):
            pieces[-1] = b""  # the end token is not part of the text
        written = b"".join(pieces)
        if not written or not whole.endswith(written):
            return None
        before = len(whole) - len(written)
        ends = _ends(whole, before, pieces)
        starts = [len(whole[:before].decode("utf-8", errors="ignore")), *ends[:-1]]
        return starts[0], [end - start for start, end in zip(starts, ends, strict=True)]

    def bytes_of(self, token: int) -> bytes:
        if token not in self.known:
            self.known[token] = self.added[token] if token in self.added else self._bytes_of(self.tokenizer.id_to_token(token) or "")
        return self.known[token]

    def _bytes_of(self, piece: str) -> bytes:
        if self.by_bytes:
            return bytes(BYTE_OF.get(character, 0) for character in piece)
        byte = BYTE.fullmatch(piece)
        return bytes([int(byte[1], 16)]) if byte else piece.replace("▁", " ").encode()


def _ends(whole: bytes, before: int, pieces: Sequence[bytes]) -> list[int]:
    """The number of characters that are complete after each piece."""
    ends, at = [], before
    count = sum(byte & 0xC0 != 0x80 for byte in whole[:before])
    for piece in pieces:
        at += len(piece)
        count += sum(byte & 0xC0 != 0x80 for byte in piece)
        inside = at < len(whole) and whole[at] & 0xC0 == 0x80  # the next token goes on with the last character
        ends.append(count - inside)
    return ends


def _bytes_as_characters() -> dict[str, int]:
    """Byte-level tokenizers write bytes that cannot be printed as characters from 256 on, the others as themselves."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}


BYTE_OF = _bytes_as_characters()


def pieces_of(run: Path, stage: str, settings: Any) -> Pieces | None:
    """The tokenizer that a stage sampled with: what it left, or else what the run began with; None if neither is here."""
    begun = str((settings.get("model") or {}).get("path", ""))
    folders = [run / stage / "final", *sorted(run.glob("*/final")), PACKAGE / "assets" / begun, Path(begun).expanduser()]
    for folder in folders:
        if begun and (folder / TOKENIZER).is_file():
            try:
                return Pieces(folder / TOKENIZER)
            except Exception:  # the library raises Exception itself; without it, tokens are not coloured
                continue
    return None
