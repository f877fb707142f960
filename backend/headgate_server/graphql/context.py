"""What an operation knows: who asks, under which request id, and how to reach the data."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from headgate_server.domain.tenancy import Principal
