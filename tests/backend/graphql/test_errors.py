"""Expected failures are data; everything else is masked, coded and logged."""

import logging

import pytest

from headgate_server.domain import errors
from headgate_server.graphql.errors import ErrorCode, present
from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.fixtures.api import ApiClient

pytestmark = pytest.mark.anyio

PLANT = """mutation ($how: String) { plant(how: $how) { tree { number } errors {
  __typename code message path
  ... on ForbiddenError { missingScopes } ... on VersionConflictError { currentVersion }
  ... on LimitError { limit current resetAt } ... on TransitionError { from to retryAfter }
  ... on LeaseError { currentEpoch holder } ... on ConflictError { existing { id } } } } }"""


@pytest.fixture
def api() -> ApiClient:
    return ApiClient(local_app(doorkeeper()), token="owner")


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("invalid", {"__typename": "InputError", "code": "INVALID", "path": ["name"]}),
        ("mismatch", {"__typename": "InputError", "code": "IDEMPOTENCY_MISMATCH"}),
        ("not found", {"__typename": "NotFoundError", "code": "NOT_FOUND"}),
        (
            "forbidden",
            {"__typename": "ForbiddenError", "code": "FORBIDDEN", "missingScopes": ["RUNS_READ"]},
        ),
        ("conflict", {"__typename": "ConflictError", "code": "CONFLICT", "existing": None}),
        (
            "version",
            {
                "__typename": "VersionConflictError",
                "currentVersion": 7,
                "path": ["expectedVersion"],
            },
        ),
        ("limit", {"__typename": "LimitError", "limit": 3, "current": 4, "resetAt": None}),
        (
            "transition",
            {
                "__typename": "TransitionError",
                "from": "COMPLETED",
                "to": "RUNNING",
                "retryAfter": "PT1.5S",
            },
        ),
        (
            "lease",
            {
                "__typename": "LeaseError",
                "code": "LEASE_LOST",
                "currentEpoch": 4,
                "holder": "agent-1",
            },
        ),
        (
            "session",
            {"__typename": "LeaseError", "code": "SESSION_FENCED", "currentEpoch": None},
        ),
    ],
)
async def test_expected_failure_of_a_mutation_is_in_its_payload(
    api: ApiClient, how: str, expected: dict[str, object]
) -> None:
    answer = await api.execute(PLANT, how=how)

    payload = answer.data["plant"]
    (error,) = payload["errors"]
    assert payload["tree"] is None
    assert error.items() >= expected.items()
    assert answer.status == 200


async def test_mutation_without_the_scope_is_forbidden_in_its_payload() -> None:
    guest = ApiClient(local_app(doorkeeper()), token="guest")

    answer = await guest.execute(PLANT)

    (error,) = answer.data["plant"]["errors"]
    assert error["__typename"] == "ForbiddenError"
    assert error["missingScopes"] == ["RUNS_WRITE"]
    assert error["message"] == "This needs RUNS_WRITE; ask an owner of the workspace to grant it."


@pytest.mark.parametrize(
    ("how", "code", "status"), [("unavailable", "UNAVAILABLE", 503), ("timeout", "TIMEOUT", 504)]
)
async def test_retryable_failure_fails_the_operation_and_invites_a_retry(
    api: ApiClient, how: str, code: str, status: int
) -> None:
    answer = await api.execute(PLANT, how=how)

    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["retry-after"] == "1"
    assert answer.json["data"] is None


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("unavailable", "UNAVAILABLE in a GraphQL operation: Unavailable: The "),
        ("timeout", "TIMEOUT in a GraphQL operation: TimeoutError: "),
    ],
)
async def test_failure_that_overload_brings_is_one_line_with_its_cause(
    api: ApiClient, caplog: pytest.LogCaptureFixture, how: str, told: str
) -> None:
    with caplog.at_level(logging.ERROR, logger="headgate.graphql"):
        answer = await api.execute(PLANT, how=how)

    (record,) = caplog.records
    assert record.getMessage().startswith(told)
    assert "\n" not in record.getMessage()
    assert record.exc_info is None
    assert answer.error["extensions"]["errorId"] == record.__dict__["error_id"]


async def test_unexpected_failure_is_masked_and_its_original_logged(
    api: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="headgate.graphql"):
        answer = await api.execute(PLANT, how="bug")

    (record,) = caplog.records
    assert answer.code == "INTERNAL"
    assert b"secret" not in answer.body
    assert answer.error["extensions"]["errorId"] == record.__dict__["error_id"]
    assert record.__dict__["request_id"] == answer.headers["x-request-id"]
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "'the secret of the database'"
    assert record.exc_info[2] is not None


async def test_failure_beside_an_answer_leaves_the_answer(api: ApiClient) -> None:
    answer = await api.execute('{ tree { number } fail(how: "unavailable") }')

    assert answer.status == 200
    assert answer.code == "UNAVAILABLE"
    assert answer.json["data"] == {"tree": {"number": 0}, "fail": None}


async def test_expected_failure_of_a_query_keeps_its_words_and_code(api: ApiClient) -> None:
    answer = await api.execute('{ fail(how: "invalid") }')

    assert answer.error["message"] == "Too long."
    assert answer.error["extensions"] == {"code": "INVALID", "inputPath": ["name"]}


@pytest.mark.parametrize("document", ["{ nothing }", "{", "query A { tree { number } } query A"])
async def test_mistake_in_the_document_is_a_bad_request(api: ApiClient, document: str) -> None:
    answer = await api.execute(document)

    assert answer.code == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            '{ fail(how: {a: "magpie-55aa"}) }',
            "Argument 'how' has invalid value: String cannot represent a non string value.",
        ),
        (
            '{ fail(how: ["magpie-55aa"]) }',
            "Argument 'how' has invalid value: String cannot represent a non string value.",
        ),
        (
            "{ find(filter: {and: [{way: MAGPIE_55AA}]}) }",
            "Argument 'filter' has invalid value at .and[0].way: Direction is one of ASC, DESC.",
        ),
        (
            '{ find(filter: {way: "magpie-55aa"}) }',
            "Argument 'filter' has invalid value at .way: Direction is one of ASC, DESC.",
        ),
        (
            '{ find(filter: "magpie-55aa") }',
            "Argument 'filter' has invalid value: Expected value of type 'TreeFilter' to be an "
            "object.",
        ),
        (
            'query ($filter: TreeFilter = {way: "magpie-55aa"}) { find(filter: $filter) }',
            "Variable '$filter' has invalid value at .way: Direction is one of ASC, DESC.",
        ),
        ('{ at(at: "magpie-55aa") }', "Argument 'at' has invalid value: A DateTime is "),
        ('{ lasts(lasts: "magpie-55aa") }', "Argument 'lasts' has invalid value: A Duration is "),
        (
            '{ trees(after: ["magpie-55aa"]) { nodes { number } } }',
            "Argument 'after' has invalid value",
        ),
        (f"{{ find(filter: {{like: {'5' * 5_000}}}) }}", "Argument 'filter' has invalid value at"),
        ('{ tree { number(a: "magpie-55aa") } }', "Unknown argument 'a' on field 'Tree.number'."),
        ('{ fail "magpie-55aa" }', "Syntax Error: Expected Name, found String."),
    ],
)
async def test_mistake_in_what_is_sent_says_where_and_nothing_of_it(
    api: ApiClient, document: str, said: str
) -> None:
    answer = await api.execute(document)

    assert answer.error["message"].startswith(said)
    assert answer.code == "BAD_REQUEST"
    assert not any(sent in answer.body for sent in (b"agpie", b"55aa", b"MAGPIE", b"55AA", b"5555"))


@pytest.mark.parametrize(
    ("used", "value", "said"),
    [
        ("String!: fail(how: $how)", {"magpie": "55aa"}, ": String cannot represent a non string "),
        ("String!: fail(how: $how)", None, ": Expected value of non-null type 'String!' not to be"),
        ("Direction: find(filter: {way: $how})", "magpie", ": Direction is one of ASC, DESC."),
        ("Direction: find(filter: {way: $how})", ["55aa"], ": Direction is one of ASC, DESC."),
        (
            "Direction: find(filter: {way: $how})",
            "magpie' does not exist in 'Tree' enum.",
            ": Direction is one of ASC, DESC.",
        ),
        (
            "TreeFilter: find(filter: $how)",
            {"and": [{"way": "magpie"}]},
            " at .and[0].way: Direction is one of ASC, DESC.",
        ),
        ("TreeFilter: find(filter: $how)", "magpie", ": Expected value of type 'TreeFilter' to be"),
        ("DateTime!: at(at: $how)", "magpie-55aa", ": A DateTime is an RFC 3339 string with an "),
    ],
)
async def test_variable_of_another_type_says_nothing_of_its_value(
    api: ApiClient, used: str, value: object, said: str
) -> None:
    type_, _, field = used.partition(": ")

    answer = await api.execute(f"query ($how: {type_}) {{ {field} }}", how=value)

    assert answer.error["message"].startswith(f"Variable '$how' has invalid value{said}")
    assert not any(sent in answer.body for sent in (b"magpie", b"55aa", b"does not exist"))


def test_every_expected_domain_error_has_a_payload_error() -> None:
    def subclasses(kind: type[errors.HeadgateError]) -> set[type[errors.HeadgateError]]:
        found = set(kind.__subclasses__())
        return found.union(*(subclasses(sub) for sub in found))

    codes = {kind.code for kind in subclasses(errors.HeadgateError)}

    assert set(ErrorCode) <= codes
    assert present(errors.InvalidId()).code is ErrorCode.INVALID
