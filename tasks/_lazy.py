"""Problems that are made on access."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from r1lite.types import Problem


class Lazy(Sequence[Problem]):
    """A sequence whose problems `make_at` makes on access; they are not kept."""

    @abstractmethod
    def make_at(self, index: int) -> Problem: ...

    @overload
    def __getitem__(self, index: int) -> Problem: ...
    @overload
    def __getitem__(self, index: slice) -> list[Problem]: ...
    def __getitem__(self, index: int | slice) -> Problem | list[Problem]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self.make_at(index % len(self))
