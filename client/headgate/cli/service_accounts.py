"""``headgate service-accounts``: list, get, create, delete, bind, unbind."""

from typing import Annotated

from cyclopts import Parameter

from headgate.api import service_accounts
from headgate.api.service_accounts import ServiceAccountAnswer
from headgate.cli.choosing import choose
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES
from headgate.cli.output import Columns, Format, OutputOption, age, say, show_item, show_list
from headgate.cli.role_bindings import (
    ObjectOption,
    RoleArgument,
    WorkspaceOption,
    grant_of,
    held,
)

AccountName = Annotated[str, Parameter(help="its name, or its id")]


def list_service_accounts(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List the machines of the organization, the oldest first."""
    with connect() as server:
        found = server.collect(
            service_accounts.list_service_accounts, limit=limit, is_told=output == "table"
        )
    columns: Columns[ServiceAccountAnswer] = {
        "name": lambda one: one.display_name,
        "id": lambda one: one.id,
        "roles": lambda one: held(one.roles),
        "created": lambda one: age(one.created_at),
    }
    show_list(found, columns=columns, output=output)


def show_service_account(name: AccountName, /, *, output: OutputOption = "table") -> None:
    """Show a machine with the roles that it holds."""
    with connect() as server:
        account = _get(server, name)
    _show(account, output=output)


def create_service_account(
    name: Annotated[str, Parameter(help="1 to 200 characters")],
    /,
    *,
    output: OutputOption = "table",
) -> None:
    """Create a machine that keys speak for; it holds nothing until a role is bound to it."""
    with connect() as server:
        account = server.call(
            service_accounts.create, organization_id=server.organization_id, name=name
        )
    _show(account, output=output)
    say(f"`headgate api-keys create NAME --owner {account.id} --scope …` makes it a key.")


def delete_service_account(name: AccountName, /, *, yes: YesOption = False) -> None:
    """Delete a machine with its roles, and revoke its keys."""
    with connect() as server:
        account = _get(server, name)
        confirm(f"Delete {account.display_name} and revoke its keys", is_sure=yes)
        server.call(service_accounts.delete, service_account_id=account.id)
    say(f"Deleted {account.display_name}.")


def bind_role(
    name: AccountName,
    role: RoleArgument,
    /,
    *,
    workspace: WorkspaceOption = None,
    object_: ObjectOption = None,
    output: OutputOption = "table",
) -> None:
    """Give a role to a machine: everywhere, in a workspace, or on one object."""
    with connect() as server:
        account = _get(server, name)
        grant = grant_of(server, role, workspace=workspace, object_=object_, is_removed=False)
        account = server.call(service_accounts.bind, service_account_id=account.id, grant=grant)
    _show(account, output=output)


def unbind_role(
    name: AccountName,
    role: RoleArgument,
    /,
    *,
    workspace: WorkspaceOption = None,
    object_: ObjectOption = None,
    output: OutputOption = "table",
) -> None:
    """Take a role away from a machine, where it was given."""
    with connect() as server:
        account = _get(server, name)
        grant = grant_of(server, role, workspace=workspace, object_=object_, is_removed=True)
        account = server.call(service_accounts.bind, service_account_id=account.id, grant=grant)
    _show(account, output=output)


def _get(server: Server, name: str) -> ServiceAccountAnswer:
    found = server.collect(service_accounts.list_service_accounts, limit=KNOWN_NAMES, is_told=False)
    return choose(
        name,
        found,
        texts=lambda one: (one.id, one.display_name),
        what="service account",
        listing="headgate service-accounts list",
    )


def _show(account: ServiceAccountAnswer, *, output: Format) -> None:
    fields: Columns[ServiceAccountAnswer] = {
        "id": lambda one: one.id,
        "name": lambda one: one.display_name,
        "roles": lambda one: "\n".join(held(one.roles)),
        "created": lambda one: age(one.created_at),
    }
    show_item(account, fields=fields, output=output)
