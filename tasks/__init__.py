"""Where problems come from. One file per task; a file's name is the task's name."""

from collections.abc import Callable

from r1lite.registry import Registry
from r1lite.types import Task
from tasks._file_task import FileTask
from tasks._generated import GeneratedProblems
from tasks._source import ENDINGS, Place, Source

tasks: Registry[Callable[..., Task]] = Registry("task", "tasks")
task = tasks

__all__ = ["ENDINGS", "FileTask", "GeneratedProblems", "Place", "Source", "task", "tasks"]
