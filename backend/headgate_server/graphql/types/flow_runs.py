"""Flow runs: executions of flows, and their attempts."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.flow_runs import LateCause
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Before, Connection, First, Last
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.types import logs, task_runs
from headgate_server.graphql.types.actors import Actor, show_actor
from headgate_server.graphql.types.attempts import Attempt, show_attempt
from headgate_server.graphql.types.filters import LogFilter, TaskRunFilter
from headgate_server.graphql.types.leases import RunLease, show_lease
from headgate_server.graphql.types.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.types.runs import Run, histories
from headgate_server.graphql.types.states import State, as_json, state_of_flow_run
from headgate_server.services import deployments, flows, task_runs as task_run_services
from headgate_server.services import work_pools, work_queues
from headgate_server.services.flow_runs import read

if TYPE_CHECKING:
    from headgate_server.graphql.types.deployments import Deployment
    from headgate_server.graphql.types.flows import Flow
    from headgate_server.graphql.types.task_runs import TaskRun
    from headgate_server.graphql.types.work_pools import WorkPool
    from headgate_server.graphql.types.work_queues import WorkQueue
