"""Fan out, fan in: the words of many files are counted side by side, and the counts added up."""

from collections import Counter
from pathlib import Path

from headgate import flow, task

SAMPLE = ("the cat sat on the mat", "the dog sat on the cat", "a mat is a mat")


@task
def write_samples(folder: Path) -> list[Path]:
    """Write a few files to count."""
    files = [folder / f"text-{number}.txt" for number in range(len(SAMPLE))]
    for file, text in zip(files, SAMPLE, strict=True):
        file.write_text(text)
    return files


@task(task_run_name="count {file.name}")
def count(file: Path) -> Counter[str]:
    """Count the words of one file."""
    return Counter(file.read_text().split())


@task
def add_up(counts: list[Counter[str]]) -> dict[str, int]:
    """Return the three words that are there most often."""
    return dict(sum(counts, Counter[str]()).most_common(3))


@flow
def count_words(folder: Path) -> dict[str, int]:
    """Count the words of all files."""
    return add_up(count.map(write_samples(folder)))


if __name__ == "__main__":
    count_words(Path())
