"""Hooks as flows and tasks take them after their decorator ran."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headgate.specs import Hook


class Hooked:
    """What has a specification with hooks, and takes more of them."""

    spec: Any

    def on_completion(self, hook: Hook) -> Hook:
        """Add a hook; usable as a decorator."""
        return self._add_hook("on_completion", hook)

    def on_failure(self, hook: Hook) -> Hook:
        """Add a hook; usable as a decorator."""
        return self._add_hook("on_failure", hook)

    def on_running(self, hook: Hook) -> Hook:
        """Add a hook; usable as a decorator."""
        return self._add_hook("on_running", hook)

    def on_cancellation(self, hook: Hook) -> Hook:
        """Add a hook; usable as a decorator."""
        return self._add_hook("on_cancellation", hook)

    def on_crashed(self, hook: Hook) -> Hook:
        """Add a hook; usable as a decorator."""
        return self._add_hook("on_crashed", hook)

    def _add_hook(self, kind: str, hook: Hook) -> Hook:
        hooks = self.spec.hooks
        self.spec = replace(
            self.spec, hooks=replace(hooks, **{kind: (*getattr(hooks, kind), hook)})
        )
        return hook

    def _keep_hooks(self, changed: "Hooked", *, options: Mapping[str, Any]) -> None:
        """Give a copy made with ``options`` the hooks that these do not name."""
        hooks = self.spec.hooks.changed_by(options, to=changed.spec.hooks)
        changed.spec = replace(changed.spec, hooks=hooks)


class TransactionHooked(Hooked):
    """What takes hooks of its transaction as well."""

    def on_rollback(self, hook: Hook) -> Hook:
        """Add a hook that undoes the work; usable as a decorator."""
        return self._add_hook("on_rollback", hook)

    def on_commit(self, hook: Hook) -> Hook:
        """Add a hook for when the work is kept; usable as a decorator."""
        return self._add_hook("on_commit", hook)
