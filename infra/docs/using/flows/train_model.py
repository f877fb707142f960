# pyright: basic
"""Training: several models are fitted on the same split side by side, and the best one is kept."""

import pickle
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from headgate import flow, get_run_logger, task, unmapped
from headgate.artifacts import create_table_artifact

CANDIDATES = {
    "regression": LogisticRegression(max_iter=500),
    "stump": DecisionTreeClassifier(max_depth=1, random_state=0),
    "tree": DecisionTreeClassifier(max_depth=3, random_state=0),
}

Split = dict[str, Any]


@task
def read() -> pd.DataFrame:
    """Return the flowers with what was measured of each."""
    return load_iris(as_frame=True).frame


@task
def split(flowers: pd.DataFrame) -> Split:
    """Keep a third of the flowers aside."""
    features, kinds = flowers.drop(columns="target"), flowers["target"]
    parts = train_test_split(features, kinds, test_size=1 / 3, random_state=0, stratify=kinds)
    return dict(zip(("train", "test", "train_kinds", "test_kinds"), parts, strict=True))


@task(task_run_name="fit {name}")
def fit(name: str, data: Split) -> tuple[str, float, Any]:
    """Fit one model, and say how many of the kept flowers it knows."""
    model = CANDIDATES[name].fit(data["train"], data["train_kinds"])
    score = float(model.score(data["test"], data["test_kinds"]))
    get_run_logger().info("%s: %.3f", name, score)
    return name, round(score, 3), model


@task
def keep_best(fitted: list[tuple[str, float, Any]], file: Path) -> str:
    """Write the best model to a file."""
    table = [{"model": name, "score": score} for name, score, _ in fitted]
    create_table_artifact(table, key="scores", description="Flowers that each model knows")
    name, _, model = max(fitted, key=lambda one: one[1])
    file.write_bytes(pickle.dumps(model))
    return name


@flow
def train_model(folder: Path) -> str:
    """Return the name of the model that was kept."""
    data = split(read())
    return keep_best(fit.map(list(CANDIDATES), unmapped(data)), folder / "model.pickle")


if __name__ == "__main__":
    train_model(Path())
