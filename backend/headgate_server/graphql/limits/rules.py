"""The limits themselves: module-level constants, and the refusal that names rule and limit."""

from dataclasses import dataclass

import orjson
from graphql import GraphQLError

from headgate_server.domain.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from headgate_server.graphql.limits.nesting import nesting_of_document, nesting_of_value

MAX_DEPTH = 12
MAX_INTROSPECTION_DEPTH = 16
"""The standard introspection query nests types in types further than any other document."""
MAX_MIXED_INTROSPECTION = 100
"""Points, for what is asked of the schema beside other fields: 25 ms of the event loop."""
MAX_ALIASES = 30
MAX_DIRECTIVES = 4
"""In one place. There are two that a document may use, each once: more only make errors."""
MAX_FRAGMENTS = 60
"""Validation compares fragments in pairs: 150 of them would take it 130 ms."""
MAX_VALIDATION_ERRORS = 10
"""Those of one document that are told: each prints the input it is about, of up to 20 kB."""
MAX_ROOT_MUTATIONS = 4
MAX_COST = 5_000
MAX_TOKENS = 2_000
MAX_DOCUMENT_BYTES = 20_000
MAX_NESTING = 64
"""Brackets of a document inside each other: the parser goes down as far as they do."""
MAX_VALUE_NESTING = 254
"""Lists and objects of variables inside each other: as far as JSON can be written again."""
MAX_VALUES = 2_000
MAX_BULK_VALUES = 20_000
BULK_MUTATIONS = frozenset({"flowRunCreateBatch", "agentPoll", "agentHeartbeat", "agentWork"})
"""What takes up to 1,000 runs or leases at once; subscriptions of the same name are of agents."""
MAX_BODY_BYTES = 1024 * 1024
MAX_REPORT_BODY_BYTES = 4 * 1024 * 1024
REPORT_MUTATIONS = frozenset({"taskRunSync", "logsAppend", "artifactCreate", "artifactUpdate"})
"""What engines send in bulk, or as a document of 1 MiB: their bodies may be larger."""
REGISTRATION = "agentRegister"
"""What agents call that come, or come back, all at once."""
OPERATION_TIMEOUT_SECONDS = 10.0
LONG_POLL_TIMEOUT_SECONDS = 35.0
LONG_POLL_MUTATIONS = frozenset({"agentPoll", "concurrencyAcquire"})
"""What waits on purpose, up to 25 s; the rest of its time is for the work itself."""
DOCUMENT_CACHE_SIZE = 500

MUTATION_COST = 10
ASSUMED_LIST_SIZE = 10
"""The length assumed of a list that is no connection and declares no size."""


@dataclass(frozen=True, slots=True)
class PageSizes:
    """What a connection returns when the document does not say, and at most."""

    default: int = DEFAULT_PAGE_SIZE
    maximum: int = MAX_PAGE_SIZE


def refuse(rule: str, *, what: str, limit: int, actual: int | None = None) -> GraphQLError:
    """Return the error of an operation over a limit; it names the rule and the limit."""
    extensions: dict[str, object] = {"code": "LIMIT_EXCEEDED", "rule": rule, "limit": limit}
    if actual is not None:
        extensions["actual"] = actual
    return GraphQLError(f"{what} The limit is {limit:,} (rule: {rule}).", extensions=extensions)


def bad_request(message: str) -> GraphQLError:
    """Return the error of a request that can be read but says too little or too much."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def check_document(document: str) -> GraphQLError | None:
    """Return the refusal of an over-long or too nested document, before anything parses it."""
    size = len(document) if document.isascii() else len(document.encode())
    if size > MAX_DOCUMENT_BYTES:
        return refuse(
            "document",
            what=f"The document has {size:,} bytes; pass values as variables.",
            limit=MAX_DOCUMENT_BYTES,
            actual=size,
        )
    nesting = nesting_of_document(document)
    if nesting > MAX_NESTING:
        return refuse(
            "nesting",
            what=f"The document has {nesting:,} brackets inside each other; pass values as "
            "variables, and split what it selects.",
            limit=MAX_NESTING,
            actual=nesting,
        )
    return None


def check_values(variables: object) -> GraphQLError | None:
    """Return the refusal of variables that cannot be handed on."""
    try:
        orjson.dumps(variables)
    except TypeError:
        nesting = nesting_of_value(variables)
        if nesting <= MAX_VALUE_NESTING:
            return bad_request("An integer in variables is beyond 64 bits; send it as a string.")
        return refuse_nested_values(nesting)
    return None


def refuse_nested_values(nesting: int | None) -> GraphQLError:
    """Return the refusal of variables that nest too deeply: so deeply, or further than was read."""
    levels = "too many" if nesting is None else f"{nesting:,}"
    return refuse(
        "variables nesting",
        what=f"The variables have {levels} lists and objects inside each other; flatten them, or "
        "send the deep part as a string of JSON.",
        limit=MAX_VALUE_NESTING,
        actual=nesting,
    )
