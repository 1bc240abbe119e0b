"""A study of Optuna, stored as a journal in the sweep's folder.

Optuna is imported inside functions, because every command that reads a grid imports this module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from sweeper.grid.axes import round_value
from sweeper.grid.identity import digest
from sweeper.grid.spaces import Space
from sweeper.status.reached import reached, require_metric
from sweeper.storage import paths
from sweeper.storage.appended import begin_appending
from sweeper.sweep import PlannedTrial, Search, Sweep, Task

if TYPE_CHECKING:
    import optuna
    from optuna.samplers import BaseSampler
    from optuna.trial import BaseTrial

__all__ = ["Study"]

NAME = "sweep"
TRIALS = "trials"
DIRECTION: dict[str, Literal["minimize", "maximize"]] = {"min": "minimize", "max": "maximize"}


class Study:
    """Proposes points by a sampler of Optuna, and tells it the mean of each metric over the seeds.

    A new sampler is made for every point, seeded by the search's seed and the point's number, so
    that a proposal depends only on earlier results, and not on which process asks for it. A point
    with a failed trial counts as worse than all others (Optuna's "pruned").

    Parameters
    ----------
    sampler : makes a new sampler from a seed. seed : the search's seed.
    """

    def __init__(self, sweep: Sweep, sampler: Callable[[int], BaseSampler], seed: int) -> None:
        assert sweep.search
        assert sweep.proposals
        self._sweep, self._search, self._proposals = sweep, sweep.search, sweep.proposals
        self._sampler, self._seed = sampler, seed
        self._study = _open_study(begin_appending(paths.journal_file(sweep)), self._search)
        self._points: dict[int, tuple[PlannedTrial, ...]] = {}
        self._unsettled: set[int] = set()
        self._known = {trial.id: trial for trial in sweep.trials}
        self._recall()
        self._tried: set[str] = set()
        self._left = self.trials

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        return tuple(self._known.values())

    @property
    def complete(self) -> bool:
        return not self._unsettled and len(self._points) >= self._search.trials

    def ask(self, busy: Collection[str]) -> list[Task] | None:
        """The tasks of known points at the first call, then those of a new point at each call.

        They may be empty if the point's trials have ended already. None if there are no more
        points.
        """
        if self._left:
            left, self._left = self._left, ()
            return self._tasks(left, busy)
        self._tell(busy)
        if len(self._points) >= self._search.trials:
            return None
        number, trials = self._propose()
        self._enter(number, trials)
        self._unsettled.add(number)
        return self._tasks(trials, busy)

    def _tasks(self, trials: Sequence[PlannedTrial], busy: Collection[str]) -> list[Task]:
        """Tasks of the trials that are not being trained and have not failed for good.

        A trial has failed for good if it failed in this run, or in a way that would recur.
        """
        found = [trial for trial in trials if trial.id not in busy]
        failed = {
            trial.id
            for trial in found
            if (one := reached(self._sweep.storage, trial.id)).status == "failed"
            and (one.repeats or trial.id in self._tried)
        }
        self._tried |= {trial.id for trial in found}
        return [Task(trial) for trial in found if trial.id not in failed]

    def _propose(self) -> tuple[int, tuple[PlannedTrial, ...]]:
        self._study.sampler = self._sampler(int(digest([self._seed, len(self._points)])[:8], 16))
        asked = self._study.ask()
        trials = self._made_of(asked)
        asked.set_user_attr(TRIALS, [trial.id for trial in trials])
        return asked.number, trials

    def _made_of(self, source: BaseTrial) -> tuple[PlannedTrial, ...]:
        """The trials of a proposal, whose values are drawn by the sampler or read from it."""
        blocks = range(self._proposals.block_count)
        number = int(source.suggest_categorical("block", blocks)) if len(blocks) > 1 else 0
        values = [
            _suggest(source, f"{number}.{name}", space)
            for name, space in self._proposals.spaces(number).items()
        ]
        return self._proposals.trials(number, values)

    def _tell(self, busy: Collection[str]) -> None:
        """Tell Optuna the results of the points whose trials have all ended."""
        from optuna.trial import TrialState

        for number in sorted(self._unsettled):
            trials = self._points[number]
            found = [reached(self._sweep.storage, trial.id) for trial in trials]
            if any(trial.id in busy for trial in trials) or any(
                one.status not in ("finished", "failed") for one in found
            ):
                continue
            if any(one.status == "failed" for one in found):
                self._study.tell(number, state=TrialState.PRUNED)
            else:
                self._study.tell(
                    number,
                    [
                        fmean(
                            require_metric(trial, one.last(), metric)
                            for trial, one in zip(trials, found, strict=True)
                        )
                        for metric, _ in self._search.goals
                    ],
                )
            self._unsettled.remove(number)

    def _enter(self, number: int, trials: tuple[PlannedTrial, ...]) -> None:
        """Add a point and its trials; several points may share a trial."""
        self._points[number] = trials
        for trial in trials:
            self._known.setdefault(trial.id, trial)

    def _recall(self) -> None:
        """Read the points of earlier runs; a proposal without its trial ids is discarded."""
        from optuna.trial import FixedTrial, TrialState

        for known in self._study.get_trials(deepcopy=False):
            if TRIALS in known.user_attrs:
                self._enter(known.number, self._made_of(FixedTrial(known.params)))
                if known.state == TrialState.RUNNING:
                    self._unsettled.add(known.number)
            elif known.state == TrialState.RUNNING:
                self._study.tell(known.number, state=TrialState.FAIL)


def _open_study(path: Path, search: Search) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path.parent.mkdir(parents=True, exist_ok=True)
    _mend(path)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path))),
        study_name=NAME,
        directions=[DIRECTION[mode] for _, mode in search.goals],
        load_if_exists=True,
    )


def _mend(path: Path) -> None:
    """Truncate the journal at its first incomplete line, because Optuna cannot read such a file.

    A line is incomplete if the driver was killed while writing it. This driver holds the sweep's
    lease, so that a lock file of the journal is left over from an earlier driver.
    """
    Path(f"{path}.lock").unlink(missing_ok=True)
    if not path.exists():
        return
    whole = 0
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n") or not _is_json(line):
            break
        whole += len(line)
    with path.open("r+b") as file:
        file.truncate(whole)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _suggest(source: BaseTrial, name: str, space: Space) -> Any:
    """The value of one space for a proposal, rounded by `round_value`."""
    given: Sequence[Any] = space.given
    if space.kind == "choice":
        return given[int(source.suggest_categorical(name, range(len(given))))]
    if space.kind == "int":
        return source.suggest_int(name, given[0], given[1])
    return round_value(
        source.suggest_float(name, given[0], given[1], log=space.kind == "loguniform")
    )
