"""Which objects an operation names by their ids, in its document or its variables."""

import re
from collections.abc import Mapping
from typing import Any

from headgate_server.domain import ids
from headgate_server.domain.documents import texts_of
from headgate_server.domain.errors import InvalidId

MAX_NAMED = 100
_QUOTED = re.compile(r'"([a-z]+_[0-9a-zA-Z]{26})"')


def named_objects(document: str, variables: Mapping[str, Any] | None) -> list[str]:
    """Return the kind and the id of each object that is named, as ``FLOW_RUN run_01jd…``.

    Returns:
        The first ``MAX_NAMED``, each once: those of the document, then those of the variables.
    """
    texts = dict.fromkeys([*_QUOTED.findall(document), *texts_of(variables or {})])
    found = (_named(text) for text in texts)
    return [one for one in found if one is not None][:MAX_NAMED]


def _named(text: str) -> str | None:
    try:
        kind, _ = ids.parse_any(text)
    except InvalidId:
        return None
    return f"{kind.name} {text}"
