"""``RunInput``: what a pause asks for, and what runs send each other while they run."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast

from pydantic import BaseModel, PrivateAttr, create_model

from headgate import elsewhere
from headgate.api import run_inputs
from headgate.api.background import answer
from headgate.api.run_inputs import RunInputAnswer
from headgate.engine.context import current_flow_run
from headgate.engine.places import current_place
from headgate.engine.stored_secrets import as_text, check_stored
from headgate.errors import MissingContextError, RunError
from headgate.ids import make_uuid
from headgate.input.reader import InputReader

T = TypeVar("T")

R = TypeVar("R", bound="RunInput")


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may answer a pause; whoever may write runs where nobody is named.

    Args:
        roles: names of roles, held in the run's workspace or everywhere.
        people: e-mail addresses of members.
        teams: names of teams.
        four_eyes: whoever started the run may not answer, nor may a service account by a key that
            they made, nor the code of a run.
    """

    roles: list[str] = field(default_factory=list[str])
    people: list[str] = field(default_factory=list[str])
    teams: list[str] = field(default_factory=list[str])
    four_eyes: bool = False

    def as_variables(self) -> dict[str, Any]:
        """Return it as the API's ``ApproversInput``."""
        return {
            "roles": list(self.roles),
            "people": list(self.people),
            "teams": list(self.teams),
            "fourEyes": self.four_eyes,
        }


@dataclass(frozen=True, slots=True)
class RunInputMetadata:
    """How an input came: its message id, the id of who sent it, and whose mailbox it was in."""

    key: str
    sender: str
    receiver: str


class RunInput(BaseModel):
    """The base of what a paused flow run asks for, and of what runs send each other."""

    headgate_description: ClassVar[str | None] = None
    headgate_initial: ClassVar[dict[str, Any] | None] = None
    _metadata: RunInputMetadata | None = PrivateAttr(default=None)

    @property
    def metadata(self) -> RunInputMetadata | None:
        """How this input came; None for one that was made here."""
        return self._metadata

    def note_metadata(self, *, key: str, sender: str, receiver: str) -> None:
        """Keep how this input came."""
        self._metadata = RunInputMetadata(key, sender, receiver)

    @classmethod
    def keyset_from_type(cls) -> str:
        """Return the name under which inputs of this type are sent."""
        return cls.__name__.lower()

    @classmethod
    def with_initial_data(cls, description: str | None = None, **values: Any) -> type[Self]:
        """Return the same type with what its form says and is filled in with.

        Args:
            description: for whoever answers, in Markdown.
            values: initial values of fields.
        """
        fields: dict[str, Any] = {
            name: (cls.model_fields[name].annotation, value) for name, value in values.items()
        }
        made = create_model(cls.__name__, __base__=cls, **fields)
        initial = made.model_construct(**values).model_dump(mode="json", include=set(values))
        made.headgate_description = description
        made.headgate_initial = initial
        return made

    def send_to(
        self, flow_run_id: str, sender: str | None = None, key_prefix: str | None = None
    ) -> Any:
        """Send this input to a flow run; see ``send_input``."""
        return send_input(self, flow_run_id, sender, key_prefix)

    def respond(
        self, run_input: Any, sender: str | None = None, key_prefix: str | None = None
    ) -> Any:
        """Send an input to the flow run that sent this one.

        Raises:
            RunError: this input did not come from a run.
        """
        if self._metadata is None or not self._metadata.sender.startswith("run_"):
            message = "Only an input that a run sent is responded to"
            raise RunError(message)
        return send_input(run_input, self._metadata.sender, sender, key_prefix)

    @classmethod
    def receive(cls, **options: Any) -> Any:
        """Return a reader of inputs of this type; see ``receive_input``."""
        return receive_input(cls, **options)

    @classmethod
    def of_model(cls, model: type[BaseModel]) -> "type[RunInput]":
        """Return a run input with the fields of a Pydantic model, which it also is."""
        return cast("type[RunInput]", type(model.__name__, (RunInput, model), {}))


class AutomaticRunInput(RunInput, Generic[T]):
    """The input that stands for a plain type, such as ``str``: one field, ``value``."""

    value: T

    @classmethod
    def of_type(cls, kind: Any) -> "type[RunInput]":
        """Return the input that stands for a type."""
        name = getattr(kind, "__name__", "value")
        return create_model(f"{name}Input", __base__=AutomaticRunInput, value=(kind, ...))


def run_input_of(kind: Any) -> type[RunInput]:
    """Return the run input that a type stands for: itself, a model with its fields, or a value."""
    if isinstance(kind, type) and issubclass(kind, RunInput):
        return kind
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return RunInput.of_model(kind)
    return AutomaticRunInput.of_type(kind)


def value_of(model: RunInput) -> Any:
    """Return what user code gets: the value itself of a plain type, else the model."""
    return cast("Any", model).value if isinstance(model, AutomaticRunInput) else model


def check_payload(payload: Any, *, what: str) -> None:
    """Go on only if no secret that this process has read is in what a run is sent.

    Raises:
        ParameterError: one is.
    """
    check_stored(
        as_text(payload),
        what=what,
        where="the run",
        instead="let the flow that receives it load the block",
    )


def send_input(
    run_input: Any,
    flow_run_id: str,
    sender: str | None = None,
    key_prefix: str | None = None,
) -> Any:
    """Send an input to a flow run, which reads it with ``receive_input``.

    Where an event loop runs, this returns something to be awaited. Sent once, it is in the mailbox
    once, whatever becomes of the connection meanwhile.

    Args:
        run_input: a ``RunInput``, or anything that Pydantic makes JSON of.
        flow_run_id: who receives it; a run may send to any run of its workspace.
        sender: nothing: the server knows who sends.
        key_prefix: sets inputs of one type apart; the receiver names the same one.

    Raises:
        ConflictError: the run has ended.
        ParameterError: a secret that this process has read is in it.
    """
    del sender
    model = _model_of(run_input)
    payload, keyset = model.model_dump(mode="json"), keyset_of(type(model), key_prefix)
    check_payload([keyset, payload], what=f"The input {type(model).__name__!r}")

    async def send() -> RunInputAnswer:
        return await run_inputs.send(
            current_place().transport,
            flow_run_id=flow_run_id,
            keyset=keyset,
            message_id=make_uuid(),
            payload=payload,
        )

    return answer(send())


async def asend_input(
    run_input: Any,
    flow_run_id: str,
    sender: str | None = None,
    key_prefix: str | None = None,
) -> None:
    """Do as ``send_input`` does, in a coroutine."""
    await send_input(run_input, flow_run_id, sender, key_prefix)


def receive_input(
    input_type: Any,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,  # noqa: FBT001, FBT002 - Prefect's shape
    exclude_keys: Collection[str] = (),
    key_prefix: str | None = None,
    flow_run_id: str | None = None,
    with_metadata: bool = False,  # noqa: FBT001, FBT002 - Prefect's shape
) -> InputReader:
    """Return a reader of the inputs of a type that this run is sent: each once, in their order.

    It is iterated over, in a function or in a coroutine, or asked for its ``next``. It is woken by
    each input and does not poll. A run that starts again reads from the beginning.

    Args:
        input_type: a ``RunInput``, a Pydantic model, or a plain type.
        timeout: so many seconds without an input end the reading; None waits for ever.
        poll_interval: nothing: there is no need to poll.
        raise_timeout_error: raise TimeoutError then.
        exclude_keys: message ids to leave out.
        key_prefix: as the sender says.
        flow_run_id: whose mailbox; that of the run around this call where not said.
        with_metadata: hand out the ``RunInput`` also for a plain type, with its ``metadata``.

    Raises:
        MissingContextError: called outside of a flow, without ``flow_run_id``.
    """
    del poll_interval
    kind, receiver = run_input_of(input_type), flow_run_id or _own_run_id()

    def read(sent: RunInputAnswer) -> Any:
        model = kind.model_validate(sent.payload)
        model.note_metadata(key=sent.message_id, sender=sent.sent_by.id, receiver=receiver)
        return model if with_metadata else value_of(model)

    return InputReader(
        current_place().transport,
        flow_run_id=receiver,
        keyset=keyset_of(kind, key_prefix),
        timeout_seconds=timeout,
        is_timeout_raised=raise_timeout_error,
        left_out=frozenset(exclude_keys),
        read=read,
    )


def _own_run_id() -> str:
    context = current_flow_run.get()
    if context is None:
        message = "Only a flow has a mailbox: call this in a flow, or name the flow_run_id"
        raise MissingContextError(message)
    return context.run.id


def keyset_of(kind: type[RunInput], key_prefix: str | None) -> str:
    """Return the name under which inputs of a type are sent."""
    prefix = f"{key_prefix}-" if key_prefix else ""
    return f"{prefix}{kind.keyset_from_type()}"


def _model_of(value: Any) -> RunInput:
    """Return an input that holds a value: itself, a model's fields, or the value alone."""
    if isinstance(value, RunInput):
        return value
    given = value.model_dump() if isinstance(value, BaseModel) else {"value": value}
    return run_input_of(type(value)).model_validate(given)


BaseRunInput = RunInput
run_input_subclass_from_type = run_input_of
GetInputHandler = GetAutomaticInputHandler = InputReader

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
