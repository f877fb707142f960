"""The house rules that need only the files: each returns its violations in a source tree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
TOP_LEVEL = frozenset(
    {"pyproject.toml", "backend", "client", "frontend", "infra", "tests", "terraform"}
    | {"README.md", "Makefile", "LICENSE"}
)
CODE_SUFFIXES = frozenset({".py", ".sh", ".sql", ".go", ".tf"})
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "dist", "build", "app_files"})
KEPT_DOT_FOLDERS = frozenset({".ci", ".github"})
GENERATED = "backend/headgate_server/database/migrations/versions/"
GRAPHQL_FLOORS = ("queries", "mutations", "subscriptions", "types", "loaders")
NOUNS_WITHOUT_SERVICE = frozenset({"viewer", "node", "server_info"})

# Written with character classes, so that this file does not hold what it forbids.
FORBIDDEN = (
    ("a package registry's host", r"p[y]pi\.org|p[y]thonhosted|registry\.n[p]mjs|p[r]oxy\.golang"),
    ("a path of one machine", r"/w[o]rk/|/r[o]ot/|/t[m]p/plan"),
    ("a task's number", r"(?i)\biss[u]e #?\d|\btick[e]t #?\d"),
    ("the tools that wrote it", r"(?i)\bass[i]stant\b|\bL[L]M\b|\bchat[b]ot\b"),
)


def long_files(root: Path) -> list[str]:
    """Name the code files of more than 400 lines."""
    return [
        f"{name} has {count} lines, over {FILE_LINES_MAX}"
        for path, name in _files(root)
        if path.suffix in CODE_SUFFIXES
        and (count := len(_text(path).splitlines())) > FILE_LINES_MAX
    ]


def long_functions(root: Path) -> list[str]:
    """Name the Python functions of more than 50 lines, decorators not counted."""
    found: list[str] = []
    for path, name in _files(root):
        if path.suffix != ".py" or name.startswith(GENERATED):
            continue
        for node in ast.walk(ast.parse(_text(path))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                found.append(f"{name}:{node.name} has {count} lines, over {FUNCTION_LINES_MAX}")
    return found


def nouns_without_service(root: Path) -> list[str]:
    """Name the modules of the GraphQL floors that no module of the services is named after."""
    server = root / "backend/headgate_server"
    nouns = _modules(server / "services") | NOUNS_WITHOUT_SERVICE
    return [
        f"graphql/{floor}/{module} has no services/{module}"
        for floor in GRAPHQL_FLOORS
        for module in sorted(_modules(server / "graphql" / floor) - nouns)
    ]


def locks_with_addresses(root: Path) -> list[str]:
    """Name the lock files that hold a URL."""
    return [
        f"{name} holds {address.group()}"
        for path, name in _files(root)
        if (path.suffix == ".lock" or "lock." in path.name or path.name.endswith(".lock.hcl"))
        and (address := re.search(r"(?:https?|git|ssh)(?:\+\w+)?://\S{0,60}", _text(path)))
    ]


def stray_entries(root: Path) -> list[str]:
    """Name the top-level entries that the house does not know."""
    return sorted(
        entry.name
        for entry in root.iterdir()
        if not entry.name.startswith(".") and entry.name not in TOP_LEVEL
    )


def forbidden_words(root: Path) -> list[str]:
    """Name the places that speak of this machine, of registries or of how the code came about."""
    return [
        f"{name}:{number} names {what}: {match.group()}"
        for path, name in _files(root)
        for number, line in enumerate(_text(path).splitlines(), start=1)
        for what, pattern in FORBIDDEN
        if (match := re.search(pattern, line))
    ]


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file of the repository with its name from ``root``; nothing built or cached."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            is_hidden = path.name.startswith(".") and path.name not in KEPT_DOT_FOLDERS
            if not is_hidden and path.name not in SKIPPED_FOLDERS:
                yield from ((file, f"{path.name}/{name}") for file, name in _files(path))
        elif not path.is_symlink() and path.name != ".git":
            yield path, path.name


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _modules(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    names = {path.stem for path in folder.glob("*.py")}
    return (names | {path.parent.name for path in folder.glob("*/__init__.py")}) - {"__init__"}
