"""The trials of a case as the documentation of Ray Tune and MLflow teaches it: the baseline.

A function trainable, one `tune.report` an epoch, and `MLflowLoggerCallback` on a SQLite store.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks.cases import CASES, script_arguments


def trainable(config: dict[str, Any]) -> None:
    """One trial."""
    from ray import tune

    from tests.benchmarks.plain_training import train

    train(
        CASES[config["case"]],
        config["sigma"],
        config["epochs"],
        lambda metrics, _: tune.report(dict(metrics)),
    )


def main() -> None:
    """Run the trials of a case in the given folder."""
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    arguments = script_arguments()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={
            "case": arguments.case,
            "sigma": tune.grid_search(list(CASES[arguments.case].sigmas)),
            "epochs": arguments.epochs,
        },
        run_config=tune.RunConfig(
            name="plain",
            storage_path=str(folder),
            callbacks=[
                MLflowLoggerCallback(
                    tracking_uri=f"sqlite:///{folder}/mlflow.db",
                    experiment_name="plain",
                    save_artifact=True,
                )
            ],
        ),
    )
    results = tuner.fit()
    assert not results.errors


if __name__ == "__main__":
    main()
