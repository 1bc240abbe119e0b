"""Give a trial the parameters of its alias, which was trained, and measure it under its own σ, β.

Saremi 2020, arXiv:2005.09047, Theorems 1 and 2: aliases learn the same parameters and the same
inference, and not the same evidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sweeper.grid.aliases import weight
from sweeper.messages import Job
from sweeper.storage import ledger, paths
from sweeper.storage.attempts import load_state
from sweeper.storage.stored_code import restored_trial
from sweeper.storage.stored_files import read_trial
from sweeper.worker.member import TrialInTraining, require_device
from trainers import Pack, Record, Trial
from trainers.commit_format import EncodedRecords
from trainers.errors import ResumeError
from trainers.metrics import PARTS

__all__ = ["merge", "translated"]


def merge(job: Job, member: TrialInTraining, source: str) -> Pack:
    """The trained model of `source` as the member's own; fills the member's records.

    What is held out is measured anew after the last epoch. Raises `ResumeError` where the source
    is not finished, cannot be read, or was trained on the other kind of device.
    """
    commit = ledger.newest_commit(job.storage, source)
    about = read_trial(paths.trial_file(job.storage, source))
    if commit is None or commit.progress.status != "finished" or about is None:
        raise ResumeError(
            f"the trial {source}, whose parameters this one takes (aliases: merge), "
            "is not finished"
        )
    require_device(commit, job.device)
    pack = Pack([member.trial], job.device)
    pack.restore([load_state(commit)], commit.progress.epoch)
    *rest, last = translated(
        commit.records(), restored_trial(job.storage, about["trial"]), member.trial
    )
    measured = replace(last, metrics=last.metrics | pack.look()[0])
    member.records = EncodedRecords([*rest, measured])
    return pack


def translated(records: Sequence[Record], source: Trial, trial: Trial) -> list[Record]:
    """The history of a source as that of its alias.

    KL and recon are the same. log p(x|z) is β/β₀ times the source's, where β₀ is its weight, and
    what is made of it follows. `denoise` is left out: it is measured at the noise that the own
    decoder imagines, with parameters that only the last epoch has left behind.
    """
    return [replace(record, metrics=_own(record.metrics, source, trial)) for record in records]


def _own(metrics: Mapping[str, float], source: Trial, trial: Trial) -> dict[str, float]:
    assert trial.likelihood is not None
    beta, dims = weight(trial), math.prod(trial.data.shape)
    found: dict[str, float] = {}
    for part in PARTS:
        if f"{part}/kl" not in metrics:
            continue
        kl = metrics[f"{part}/kl"]
        log_prob = (metrics[f"{part}/elbo"] + kl) * beta / weight(source)
        own = {
            "kl": kl,
            "recon": metrics[f"{part}/recon"],
            "elbo": log_prob - kl,
            "objective": log_prob - beta * kl,
        }
        if f"{part}/elbo_full" in metrics:
            full = own["elbo"] + float(trial.likelihood.constant(dims))
            own |= {"elbo_full": full, "objective_full": full}
        found |= {f"{part}/{name}": value for name, value in own.items()}
    return found
