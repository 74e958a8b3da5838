"""Is the last fenced block a Python program, as far as one can know without running it?

Covered: it parses and compiles (under the Python that runs the rule); it has an effect (docstrings, values, `pass` and
`return` alone, in whatever branches and functions, have none); it defines the required function or class, with a body that
has an effect. Code that is too long or too deeply nested is not compiled.
Not covered: whether names exist, types fit, or the program does its task; see `code`.
"""

from __future__ import annotations

import ast
import warnings

from rewards import Problem, Rollout, Verdict, reward
from rewards._fence import python_blocks
from rewards._text import evidence, read

MAX_CHARACTERS = 20_000
MAX_DEPTH = 100  # of the syntax tree; compiling thousands of nested lambdas takes half a minute
EFFECTS = (
    ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.Assert, ast.Delete,
    ast.Import, ast.ImportFrom,
)  # fmt: skip


@reward("python_static", evidence=evidence)
def python_static(problem: Problem, rollout: Rollout, *, defines: str = "", column: str = "", within: str = "response") -> Verdict | None:
    """1 if the last fenced Python block compiles, else 0. Abstains if `column` is set and holds no name.

    defines: a function or class that the program has to define
    column: the column that holds this name, if each problem has its own
    within: where to look: response (everything after the thought), answer (the last answer block), thought
    """
    text = read("python_static", rollout, within)
    name = defines or str(problem.info.get(column) or "")
    if column and not name:
        return None
    blocks = python_blocks(text or "")
    if not blocks:
        return Verdict(value=0.0, why="no fenced Python block")
    fault = _fault(blocks[-1], name)
    return Verdict(value=float(not fault), why=fault or f"{len(blocks[-1].splitlines())} lines compile")


def _fault(code: str, name: str) -> str:
    if len(code) > MAX_CHARACTERS:
        return f"longer than {MAX_CHARACTERS} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
            if _too_deep(tree):
                return f"nested deeper than {MAX_DEPTH} levels"
            compile(code, "<answer>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, lone surrogates, nesting
        return f"it cannot be parsed: {type(error).__name__}"
    if not any(map(_has_effect, ast.walk(tree))):
        return "it has no effect"
    if not name:
        return ""
    definitions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and n.name == name]
    if not definitions:
        return f"it does not define {name}"
    return "" if any(map(_has_effect, ast.walk(definitions[-1]))) else f"{name} has no effect"


def _too_deep(tree: ast.AST) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)


def _has_effect(node: ast.AST) -> bool:
    """Whether a node has an effect: it binds, calls, returns a value, or imports."""
    if isinstance(node, ast.Return):
        return node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value in (None, ...))
    return isinstance(node, EFFECTS)
