"""Make the evaluations of a finished trial, after its training or in a later run."""

from __future__ import annotations

from collections.abc import Callable

from sweeper.messages import Job, JobTrial
from sweeper.storage import ledger, paths
from sweeper.storage.attempts import load_state
from sweeper.storage.evaluations import missing, write_evaluation
from sweeper.storage.signs import StopSign
from sweeper.worker.member import require_device
from trainers import Pack, TrainerError, Trial
from trainers.errors import ResumeError
from trainers.evaluations import evaluate
from trainers.model import Model
from trainers.objectives import Objective
from trainers.registry import name_of

__all__ = ["Trained", "answer", "load_trained"]

Trained = tuple[Trial, Objective, Model]


def answer(job: Job, job_trial: JobTrial, trained: Callable[[], Trained]) -> str | None:
    """Run the missing evaluations; returns a sentence on those that failed, or None.

    A failure does not affect the trial or the other evaluations, and the next run tries it again.
    If the sweep's stop sign is set, the remaining evaluations are left to the next run.
    """
    try:
        asked = missing(job.storage, job_trial.id, job_trial.evaluate)
        model = trained() if asked else None
    except Exception as error:  # noqa: BLE001 - the trial is finished, whatever happens now
        return f"no evaluation: {_line(error)}"
    notes, sign = [], StopSign(job.sweep)
    for evaluator in asked:
        if sign.is_up() or model is None:
            break
        try:
            found = evaluate(evaluator, *model, paths.classifier_folder(job.storage))
            write_evaluation(job.storage, job_trial.id, evaluator, found, model[0].training.epochs)
        except Exception as error:  # noqa: BLE001 - the same
            notes.append(f"no evaluation {name_of(evaluator)!r}: {_line(error)}")
    return "; ".join(notes) or None


def load_trained(job: Job, job_trial: JobTrial) -> Trained:
    """The model of a finished trial, on the kind of device that it was trained on.

    Raises `ResumeError` if there is none to read, or the job has the other kind of device.
    """
    commit = ledger.newest_commit(job.storage, job_trial.id)
    if commit is None or commit.progress.status != "finished":
        folder = paths.trial_folder(job.storage, job_trial.id)
        raise ResumeError(f"{folder} holds no finished trial")
    require_device(commit, job.device)
    pack = Pack([job_trial.trial], job.device)
    pack.restore([load_state(commit)], commit.progress.epoch)
    return job_trial.trial, *pack.bind(0)


def _line(error: Exception) -> str:
    return str(error) if isinstance(error, TrainerError) else f"{type(error).__name__}: {error}"
