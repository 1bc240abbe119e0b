"""What must hold after any disturbance, once the same command has been run again."""

from __future__ import annotations

from pathlib import Path

from sweeper.sweep import Sweep
from tests.sweeper.mlflow_view import look
from tests.sweeper.small import final_state, metrics_of, undisturbed

__all__ = ["check_promises", "reference"]


def reference(folder: Path, sweep: Sweep) -> Sweep:
    """The same trials without a disturbance; to be trained once for many comparisons."""
    return undisturbed(folder, sweep.trials)


def check_promises(sweep: Sweep, other: Sweep) -> None:
    """Nothing lost, nothing twice, nothing different, nothing left running."""
    for trial in sweep.trials:
        assert metrics_of(sweep, trial) == metrics_of(other, trial)
        assert final_state(sweep, trial) == final_state(other, trial)
    seen = look(sweep.tracking, sweep.experiment)
    assert seen.statuses == {trial.id: "FINISHED" for trial in sweep.trials}
    assert [parent.info.status for parent in seen.parents] == ["FINISHED"]
    assert not seen.repeated
    for trial in sweep.trials:
        epochs = trial.params["epochs"]
        assert [step for step, _, _ in seen.history[trial.id, "test/kl"]] == [
            *range(1, epochs + 1)]
