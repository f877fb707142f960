"""What is wrong with an input, in words for whoever sends the next one."""

from pydantic import ValidationError

MOST_PROBLEMS = 20
MOST_CHARACTERS = 2_000


def problems_of(error: ValidationError) -> str:
    """Return what does not fit, each problem with the field that it is about; 20 at most."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    told = [
        ": ".join((".".join(str(part) for part in one["loc"]) or "input", one["msg"]))
        for one in problems[:MOST_PROBLEMS]
    ]
    return "; ".join(told)[:MOST_CHARACTERS]
