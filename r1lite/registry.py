"""One registry idiom for rewards, tasks and stages: a decorator, a dict, and a file named after its entry."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class UnknownName(ValueError):
    """A name that no registry entry has; the message lists what there is."""


class Registry(Generic[F]):
    """Entries register themselves when their file is imported; a file is imported when its name is asked for."""

    def __init__(self, kind: str, package: str, supplied: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.package = package
        self.supplied = supplied  # keyword-only parameters that the caller fills in, and no config
        self._entries: dict[str, F] = {}
        self._imported: set[str] = set()

    def __call__(self, name: str) -> Callable[[F], F]:
        """The decorator: `@reward("format")`."""

        def register(entry: F) -> F:
            known = self._entries.get(name)
            if known is not None and place(known) != place(entry):
                raise ValueError(f"{self.kind} {name!r} is defined twice: in {place(known)} and in {place(entry)}. Rename one of them.")
            self._entries[name] = entry
            return entry

        return register

    def __getitem__(self, name: str) -> F:
        # Also where a plugin has registered the name already: it must not hide ours, but be refused for a duplicate.
        if name not in self._imported:
            self._import(name)
        if name not in self._entries:
            raise UnknownName(unknown(self.kind, name, self.names()))
        return self._entries[name]

    def names(self) -> list[str]:
        """Every name that can be asked for. Nothing is imported to find out."""
        return sorted({*self._entries, *self._files(), *(e.name for e in self._installed())})

    def bind(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Check options against the entry's keyword-only arguments; give all of them, defaults included."""
        parameters = inspect.signature(self[name]).parameters.values()
        accepted = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in self.supplied}
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

    def _installed(self) -> Iterable[Any]:
        return entry_points(group=f"r1lite.{self.kind}s")

    def _import(self, name: str) -> None:
        if name in self._files():
            importlib.import_module(f"{self.package}.{name}")
        for entry in self._installed():
            if entry.name == name:
                entry.load()
        self._imported.add(name)


def place(entry: Callable[..., Any]) -> str:
    """Where an entry is written, for messages: `file.py:12`."""
    code = inspect.unwrap(entry)
    try:
        return f"{inspect.getsourcefile(code)}:{inspect.getsourcelines(code)[1]}"
    except (OSError, TypeError):
        return repr(entry)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The one way an unknown name is reported: what was meant, and what there is."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{meant} Known: {', '.join(known) or 'none'}."


def load_plugins(plugins: Iterable[str]) -> None:
    """Import users' own modules (`my_pkg.rules`) and files (`./rules.py`), so that they register what they define."""
    for plugin in plugins:
        if plugin.endswith(".py") or "/" in plugin:
            _load_file(Path(plugin))
        else:
            try:
                importlib.import_module(plugin)
            except ModuleNotFoundError as error:
                if error.name and f"{plugin}.".startswith(f"{error.name}."):
                    raise ValueError(
                        f"plugin {plugin!r} cannot be imported: there is no module {error.name!r}. For a file, write ./{plugin}.py"
                    ) from error
                raise


def _load_file(path: Path) -> None:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise ValueError(f"plugin file {path} does not exist")
    name = f"r1lite_plugin_{path.stem}_{zlib.crc32(str(path).encode()):08x}"
    if name in sys.modules:
        return
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
