"""The registry of rewards, tasks and stages: each entry registers itself under a name, with what it declares about itself."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
D = TypeVar("D")
PLUGIN = "r1lite_plugin_"  # prefix of the module names of plugin files


class UnknownName(ValueError):
    """No entry has this name; the message lists the known ones."""


class Registry(Generic[F, D]):
    """Entries register themselves when their file is imported; a file is imported when its name is first looked up."""

    def __init__(self, kind: str, package: str, supplied: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.package = package
        self.supplied = supplied  # keyword-only parameters that the caller passes, so they are not options
        self._entries: dict[str, F] = {}
        self._declarations: dict[str, D] = {}
        self._imported: set[str] = set()

    def register(self, name: str, entry: F, declaration: D) -> None:
        known = self._entries.get(name)
        if known is not None and not _redefines(entry, known):
            raise ValueError(f"{self.kind} {name!r} is defined twice: in {place(known)} and in {place(entry)}. Rename one of them.")
        self._entries[name], self._declarations[name] = entry, declaration

    def __getitem__(self, name: str) -> F:
        # Import even if a plugin has registered the name: a plugin that takes a shipped name must be refused as a duplicate.
        if name not in self._imported:
            self._import(name)
        if name not in self._entries:
            raise UnknownName(unknown(self.kind, name, self.names()))
        return self._entries[name]

    def remove(self, name: str) -> None:
        """Undo `register`, for an entry of this process that is no longer needed."""
        self._entries.pop(name, None)
        self._declarations.pop(name, None)
        self._imported.discard(name)

    def name_of(self, entry: F) -> str | None:
        """The name that an entry is registered under in this process."""
        return next((name for name, known in self._entries.items() if known is entry), None)

    def declaration(self, name: str) -> D:
        """What the entry declares about itself."""
        _ = self[name]
        return self._declarations[name]

    def declarations(self) -> list[D]:
        """The declarations of all entries that are registered so far."""
        return list(self._declarations.values())

    def names(self) -> list[str]:
        """Every name that can be looked up. Nothing is imported."""
        return sorted({*self._entries, *self._files(), *(e.name for e in self._installed())})

    def importable(self, name: str) -> bool:
        """Whether another process with the same plugins can look the name up; if not, the entry itself has to be sent there."""
        shipped = name in self._files() or any(e.name == name for e in self._installed())
        return shipped or self[name].__module__.startswith(PLUGIN)

    def options(self, name: str) -> dict[str, Any]:
        """The entry's keyword-only parameters with their defaults; `inspect.Parameter.empty` if a value is required."""
        parameters = inspect.signature(self[name]).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in self.supplied}

    def bind(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Check options against those that the entry accepts; return all of them, defaults included."""
        accepted = self.options(name)
        for option in options:
            if option not in accepted:
                raise ValueError(unknown(f"option of {self.kind} {name!r}:", option, accepted))
        missing = [o for o, default in accepted.items() if default is inspect.Parameter.empty and o not in options]
        if missing:
            raise ValueError(f"{self.kind} {name!r} needs a value for {', '.join(missing)}")
        return {**accepted, **options}

    def _files(self) -> set[str]:
        spec = importlib.util.find_spec(self.package)
        folders = spec.submodule_search_locations if spec else None
        return {m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_")} if folders else set()

    def _installed(self) -> Iterable[EntryPoint]:
        return entry_points(group=f"r1lite.{self.kind}s")

    def _import(self, name: str) -> None:
        if name in self._files():
            importlib.import_module(f"{self.package}.{name}")
        for entry in self._installed():
            if entry.name == name:
                entry.load()
        self._imported.add(name)


def place(entry: Callable[..., Any]) -> str:
    """Where an entry is defined, for messages: `file.py:12`."""
    code = inspect.unwrap(entry)
    try:
        return f"{inspect.getsourcefile(code)}:{inspect.getsourcelines(code)[1]}"
    except (OSError, TypeError):
        return repr(entry)


def _redefines(new: Callable[..., Any], known: Callable[..., Any]) -> bool:
    """Whether the same definition registers again: its module was imported twice, or its notebook cell was run again."""
    both_main = new.__module__ == known.__module__ == "__main__"
    return place(new) == place(known) or (both_main and getattr(new, "__qualname__", "") == getattr(known, "__qualname__", None))


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name: the nearest known name, and all known names."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{meant} Known: {', '.join(known) or 'none'}."


def load_plugins(plugins: Iterable[str]) -> None:
    """Import plugin modules (`my_pkg.rules`) and files (`./rules.py`), which register their entries."""
    for plugin in plugins:
        if plugin.endswith(".py") or "/" in plugin:
            load_file(Path(plugin))
        else:
            try:
                importlib.import_module(plugin)
            except ModuleNotFoundError as error:
                if error.name and f"{plugin}.".startswith(f"{error.name}."):
                    raise ValueError(
                        f"plugin {plugin!r} cannot be imported: there is no module {error.name!r}. For a file, write ./{plugin}.py"
                    ) from error
                raise


def load_file(path: Path) -> ModuleType:
    """Import a plugin file, once."""
    path = path.expanduser().resolve()
    if not path.is_file():
        raise ValueError(f"plugin file {path} does not exist")
    name = f"{PLUGIN}{path.stem}_{zlib.crc32(str(path).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
