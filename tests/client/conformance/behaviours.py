"""The documented behaviours that the cases here hold to, listed by feature.

Each case is one, however many parameters it is tried with. Run this to write the list.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
LIST = FOLDER / "behaviours.txt"
FEATURES = {
    "Flows": ("flow_options", "hook_arguments", "odd_arguments", "parameters", "return_values"),
    "Tasks": ("task_options", "calling", "more_calling", "mapping", "futures"),
    "Retries and timeouts": ("retries", "timeouts"),
    "States": ("awaited_states",),
    "Hooks": ("hooks",),
    "Task runners": ("task_runners",),
    "Caching and transactions": ("cached_transactions", "transactions", "more_transactions"),
    "Context, logs and settings": ("context", "logging", "settings"),
    "Drawings": ("visualize",),
    "Names": ("import_paths", "names_in_use"),
    "Deployments and schedules": ("deployments",),
    "Blocks": ("blocks",),
    "Concurrency and rate limits": ("limits",),
}
"""The files of cases of each feature, without ``test_`` before them."""


def cases(name: str) -> Iterator[str]:
    """Yield what each case of a file says, in its order."""
    tree = ast.parse((FOLDER / f"test_{name}.py").read_text())
    for node in tree.body:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.name.startswith("test_"):
            yield node.name.removeprefix("test_").replace("_", " ")


def listed() -> str:
    """Return the list: each feature with how many behaviours, and these."""
    found = {
        feature: [case for name in names for case in cases(name)]
        for feature, names in FEATURES.items()
    }
    total = sum(map(len, found.values()))
    parts = [f"{total} documented behaviours\n"]
    for feature, behaviours in found.items():
        parts.append(f"\n{feature}: {len(behaviours)}\n")
        parts += [f"  {behaviour}\n" for behaviour in behaviours]
    return "".join(parts)


if __name__ == "__main__":
    LIST.write_text(listed())
