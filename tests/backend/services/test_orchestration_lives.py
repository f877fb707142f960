"""Random lives of many runs by the services themselves, in a real database, against a model.

Runs of one deployment, with its limit and collision policy, are made, handed out, started, ended,
paused, cancelled, forced, reported of, started again and made by backfills, by their processes, by
people and by loops, in any order and at any time; the deployment, its pool and its queue are paused
and resumed meanwhile. After each step, what the call answered and what
the database holds are what the model says, and some things never are. In the end, all ends.
``COUNT=n`` makes so many steps, ``SEED=n`` others; a failure names the seed.
"""

import os
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise, permutations

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.errors import NotFound
from headgate_server.domain.ids import new_id
from headgate_server.domain.pauses import Approvers, NewPause, PauseKind
from headgate_server.domain.reruns import RerunRequest
from headgate_server.domain.states import StateType, propose
from headgate_server.services.flow_runs import change
from tests.backend.services.test_backfill_outcomes import DAYS, make_backfill
from tests.backend.services.test_collisions import limit
from tests.backend.services.test_concurrency_limits import ask, give_back
from tests.backend.services.test_rights import any_of
from tests.factories.databases import Hands, held
from tests.fixtures.orchestration_backfills import Item, ModelBackfill
from tests.fixtures.orchestration_model import GRACE, IN_PROCESS, OVER, PLACES
from tests.fixtures.orchestration_steps import MOST_RUNS, Stage
from tests.fixtures.orchestration_world import Lives, make_lives

COUNT = int(os.environ.get("COUNT", "240"))
SEED = int(os.environ.get("SEED", "5"))
STEPS = 40
pytestmark = pytest.mark.timeout(120 + COUNT)

picks = st.integers(0, 2**32 - 1)
ENDS = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
FORCED = tuple(type_ for type_ in StateType if type_ is not StateType.PENDING)
PARAMETERS = {"size": 4}


class Orchestration(Stage):
    """What is done to runs, by whom and when, at random."""

    @rule(is_planned=st.booleans())
    def create(self, *, is_planned: bool) -> None:
        """Make a run, for now or for later."""
        has_planned = any(run.is_planned for run in self.model.alive())
        if len(self.model.alive()) < MOST_RUNS:
            ahead = timedelta(seconds=10) if is_planned and not has_planned else None
            self._create(ahead=ahead)

    @rule(pick=picks)
    def create_below(self, pick: int) -> None:
        """Have a task of a run make another."""
        run = self._run(pick, *IN_PROCESS)
        if run.tasks and len(self.model.alive()) < MOST_RUNS:
            self._create(parent=(run, next(iter(run.tasks))))

    @rule()
    def undisturbed(self) -> None:
        """Have everything that was handed out run, as agents do that nobody disturbs."""
        self.go_on()

    @rule()
    def offer(self) -> None:
        """Hand out what is due and has room."""
        self._offer()

    @rule(pick=picks)
    def claim(self, pick: int) -> None:
        """Claim an offer, also one that is no more."""
        run = self._run(pick, "OFFERED", "CLAIMED")
        self._claim(run, self._lease(run, pick))

    @rule(pick=picks)
    def start(self, pick: int) -> None:
        """Pass the start gate, or go on after a failure or a pause."""
        run = self._run(pick, "CLAIMED", "RETRYING", "PAUSED")
        self._start(run, self._lease(run, pick))

    @rule(pick=picks, type_=any_of(ENDS))
    def end(self, pick: int, type_: StateType) -> None:
        """End a run as its holder; its engine has told of its tasks before."""
        run = self._run(pick, *IN_PROCESS)
        lease = self._lease(run, pick)
        if type_ in {StateType.COMPLETED, StateType.FAILED}:
            self._tell_ends(run, lease)
        self._end(run, lease, type_)

    @rule(pick=picks, most=any_of([0, 1, 2]), gives_back=st.booleans())
    def fail(self, pick: int, most: int, *, gives_back: bool) -> None:
        """Fail with retries, in the process or without it."""
        run = self._run(pick, "RUNNING", "PAUSED")
        self._fail(run, self._lease(run, pick), most=most, gives_back=gives_back)

    @rule(pick=picks)
    def report(self, pick: int) -> None:
        """Tell of a task that has begun."""
        run = self._run(pick, *IN_PROCESS)
        lease = self._lease(run, pick)
        if run.lease == lease and run.place not in {"RUNNING", "PAUSED", "CANCELLING"}:
            return
        self._tick()
        refusal = self.model.report(run, lease)
        id_ = new_id() if refusal is not None else self._begin_task(run)
        self._act(refusal, lambda: self.lives.report(lease, id_, "RUNNING"))

    @rule(pick=picks, names=any_of([("x",), ("y",), ("x", "y")]))
    def acquire(self, pick: int, names: tuple[str, ...]) -> None:
        """Take slots of limits, all or none."""
        run = self._run(pick, *IN_PROCESS)
        lease = self._lease(run, pick)
        self._tick()
        self.keys += 1
        key = f"key-{self.keys}"
        refusal = self.model.report(run, lease)
        is_acquired = refusal is None and self.model.acquire(run, key, names)
        found = self._act(refusal, lambda: ask(self.lives.world, *names, key=key, holder=lease))
        assert found is None or found.is_acquired == is_acquired, found

    @rule(pick=picks)
    def release(self, pick: int) -> None:
        """Give slots back, also those that are gone with their run."""
        self._tick()
        held = [(run, key) for run in self.model.runs.values() for key in run.slots]
        key = f"key-{pick % (self.keys + 1)}"
        if held:
            run, key = held[pick % len(held)]
            del run.slots[key]
        self._act(None if held else NotFound, lambda: give_back(self.lives.world, key))

    @rule(
        pick=picks,
        key=any_of("abc"),
        kind=any_of(list(PauseKind)),
        seconds=any_of([None, 30]),
        is_four_eyes=st.booleans(),
    )
    def pause(
        self, pick: int, key: str, kind: PauseKind, seconds: int | None, *, is_four_eyes: bool
    ) -> None:
        """Have a run ask something and wait, with its process or without one."""
        run = self._run(pick, "RUNNING", "PAUSED", "SUSPENDED")
        lease = self._lease(run, pick)
        timeout = None if seconds is None else timedelta(seconds=seconds)
        approvers = Approvers(is_four_eyes=is_four_eyes)
        self._pause(run, NewPause(key, kind=kind, timeout=timeout, approvers=approvers), lease)

    @rule(pick=picks, is_rejected=st.booleans(), is_own=st.booleans())
    def answer(self, pick: int, *, is_rejected: bool, is_own: bool) -> None:
        """Answer what a run asks, as who started it or as somebody else."""
        run = self._run(pick, "PAUSED", "SUSPENDED")
        self._answer(run, is_rejected=is_rejected, is_own=is_own)

    @rule(pick=picks, is_forced=st.booleans())
    def cancel(self, pick: int, *, is_forced: bool) -> None:
        """Ask for a run to be cancelled, or cancel it by force."""
        run = self._run(pick, *IN_PROCESS)
        self._tick()
        request = change.CancelRequest(is_forced=is_forced, grace_seconds=GRACE)
        refusal = (
            self.model.force(run, StateType.CANCELLED, is_forced=True)
            if is_forced
            else self.model.cancel(run)
        )
        self._act(refusal, lambda: self.lives.cancel(run.id, request))

    @rule(pick=picks, type_=any_of(FORCED), is_forced=st.booleans())
    def force(self, pick: int, type_: StateType, *, is_forced: bool) -> None:
        """Set a state by hand."""
        run = self._run(pick, *IN_PROCESS)
        self._tick()
        correction = change.Correction(is_forced=is_forced)
        refusal = self.model.force(run, type_, is_forced=is_forced)
        self._act(refusal, lambda: self.lives.set_state(run.id, propose(type_), correction))

    @rule(pick=picks, type_=any_of(ENDS))
    def correct(self, pick: int, type_: StateType) -> None:
        """Call a run that is over another end; a backfill that it is of looks at it anew."""
        run = self._run(pick, *OVER)
        if run.place not in OVER:
            return
        self._tick()
        correction = change.Correction(is_forced=True, reason="It was mended by hand.")
        refusal = self.model.correct(run, type_)
        if refusal is None:
            for backfill in self.backfills:
                backfill.follow(run)
        self._act(refusal, lambda: self.lives.set_state(run.id, propose(type_), correction))

    @rule(pick=picks, how=any_of(["whole", "failed", "chosen", "foreign", "parameters"]))
    def retry(self, pick: int, how: str) -> None:
        """Start what is over again, whole or in part."""
        run = self._run(pick, *OVER)
        chosen = tuple(run.last_tasks[:1]) if how == "chosen" else ()
        request = RerunRequest(
            is_from_failed=how == "failed",
            from_task_run_ids=(new_id(),) if how == "foreign" else chosen,
            parameters=PARAMETERS if how == "parameters" else None,
        )
        self._retry(run, request, is_foreign=how == "foreign")

    @rule(most=any_of([1, 2, 3]), policy=any_of(list(CollisionPolicy)))
    def change_limit(self, most: int, policy: CollisionPolicy) -> None:
        """Give the deployment another limit, or have something else follow at it."""
        if self.model.limit is not None:
            self._tick()
            self.model.limit, self.model.policy = most, policy
            self._act(None, lambda: limit(self.lives.world, most, on_collision=policy))

    @rule(pick=picks, places=any_of(list(permutations(PLACES))), is_left=st.booleans())
    def hold_back(self, pick: int, places: Sequence[str], *, is_left: bool) -> None:
        """Pause where runs wait: what comes to wait meanwhile, by any way, is held as well."""
        ended, asking, running = [
            self._run(pick | 1, at) for at in ("COMPLETED", "SUSPENDED", "RUNNING")
        ]
        self._set_paused(places[-1], is_paused=True)
        if len(self.model.alive()) < MOST_RUNS:
            self._create()
        self._retry(ended, RerunRequest())
        self._answer(asking, is_rejected=False, is_own=False)
        self._fail(running, self._lease(running, pick), most=2, gives_back=True)
        for before, place in pairwise((places[-1], *places)):
            self._set_paused(before, is_paused=False)
            self._set_paused(place, is_paused=True)
            self._offer()
        if not is_left:
            self._set_paused(places[-1], is_paused=False)
            self._offer()

    @rule(place=any_of(PLACES[1:]), most=any_of([None, 1, 2, 3]))
    def limit_place(self, place: str, most: int | None) -> None:
        """Give the pool or the queue another limit, or none."""
        self._tick()
        self.model.place_limits[place] = most
        self._act(None, lambda: self.lives.change_place(place, concurrency_limit=most))

    @rule(parallelism=any_of([1, 2, 3]))
    def make_backfill(self, parallelism: int) -> None:
        """Ask for four runs, a few at a time."""
        if len(self.backfills) == 2 or len(self.model.alive()) >= MOST_RUNS:
            return
        self._tick()

        async def call() -> None:
            made = await make_backfill(self.lives.world, parallelism=parallelism)
            items = [Item() for _ in range(DAYS)]
            self.backfills.append(ModelBackfill(made.id, self.model, parallelism, items))

        self._act(None, call)

    @rule(pick=picks, what=any_of(["pause", "resume", "cancel", "end", "retry"]))
    def change_backfill(self, pick: int, what: str) -> None:
        """Pause a backfill, resume it, cancel it with its runs or without, or retry it."""
        if self.backfills:
            self._change_backfill(self.backfills[pick % len(self.backfills)], what)

    @rule(seconds=any_of([1, 20, 40, 100, 700]))
    def wait(self, seconds: int) -> None:
        """Let time pass in which nobody is heard of."""
        self._tick(timedelta(seconds=seconds))
        self._compare()

    @rule()
    def loops(self) -> None:
        """Have the loops go round that time moves."""
        self._loops()

    def teardown(self) -> None:
        """Let everything end, unless something went wrong before."""
        if self.is_sound:
            self.settle()


def test_whatever_is_done_to_runs_is_what_the_model_says_and_all_of_it_ends(
    urls: DatabaseUrls, redis_url: str, portal: BlockingPortal
) -> None:
    """Play random lives; each example in a workspace of its own."""
    hands = Hands(timedelta())
    with portal.wrap_async_context_manager(held(urls, hands)) as database:

        class Here(Orchestration):
            def _make(
                self, *, most: int | None, policy: CollisionPolicy, is_restarting: bool
            ) -> Lives:
                note(f"SEED={SEED} COUNT={COUNT}")
                return portal.call(
                    lambda: make_lives(
                        portal,
                        database,
                        hands,
                        redis_url,
                        most=most,
                        policy=policy,
                        is_restarting=is_restarting,
                    )
                )

        run_state_machine_as_test(
            seed(SEED)(Here),
            settings=settings(
                max_examples=max(1, COUNT // STEPS),
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
