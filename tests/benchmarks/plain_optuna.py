"""The trials of a case with Optuna, MLflow and joblib: a process a core, one study in SQLite."""

from __future__ import annotations

import os
from collections.abc import Mapping

import mlflow
import optuna
from sklearn.utils.parallel import Parallel, delayed  # joblib, as scikit-learn brings it

from tests.benchmarks.cases import CASES, script_arguments


def optimize(case: str, folder: str, epochs: int) -> None:
    """The next waiting trial of the study."""
    from tests.benchmarks.plain_training import train

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("plain")

    def objective(trial: optuna.Trial) -> float:
        sigma = trial.suggest_float("sigma", 0.01, 1.0)
        last: dict[str, float] = {}

        def report(metrics: Mapping[str, float], epoch: int) -> None:
            mlflow.log_metrics(dict(metrics), step=epoch)
            last.update(metrics)

        with mlflow.start_run():
            mlflow.log_params({"sigma": sigma, "epochs": epochs})
            train(CASES[case], sigma, epochs, report)
        return last["test/elbo"]

    study = optuna.load_study(study_name="plain", storage=f"sqlite:///{folder}/study.db")
    study.optimize(objective, n_trials=1)


def main() -> None:
    """Run the trials of a case in the given folder."""
    arguments = script_arguments()
    folder, sigmas = arguments.folder, CASES[arguments.case].sigmas
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name="plain", storage=f"sqlite:///{folder}/study.db", direction="maximize"
    )
    for sigma in sigmas:
        study.enqueue_trial({"sigma": sigma})
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("plain")  # two processes that make a new store at once fail
    work = delayed(optimize)
    cores = len(os.sched_getaffinity(0))
    Parallel(n_jobs=cores)(work(arguments.case, str(folder), arguments.epochs) for _ in sigmas)
    study = optuna.load_study(study_name="plain", storage=f"sqlite:///{folder}/study.db")
    done = [one for one in study.trials if one.state == optuna.trial.TrialState.COMPLETE]
    assert sorted(one.params["sigma"] for one in done) == sorted(sigmas)


if __name__ == "__main__":
    main()
