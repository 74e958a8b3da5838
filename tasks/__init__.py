"""Where problems come from. One file per task; the file's name is the task's name."""

from collections.abc import Callable
from typing import TypeVar

from r1lite.registry import Registry
from r1lite.types import Task
from tasks._file_task import FileTask
from tasks._generated import GeneratedProblems
from tasks._source import ENDINGS, RowLocation, Source

T = TypeVar("T", bound=Callable[..., Task])

tasks: Registry[Callable[..., Task], None] = Registry("task", "tasks")


def task(name: str) -> Callable[[T], T]:
    """Register a task: `@task("arithmetic")`."""

    def register(made: T) -> T:
        tasks.register(name, made, None)
        return made

    return register


__all__ = ["ENDINGS", "FileTask", "GeneratedProblems", "RowLocation", "Source", "task", "tasks"]
