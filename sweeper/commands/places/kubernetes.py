"""`sweeper cluster kubernetes`: manifests of a sweep on KubeRay, and of an MLflow server."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.commands.elsewhere import cores_for, require_no_password, require_whole_paths
from sweeper.commands.shared import add_grid, load_grid, writing
from sweeper.commands.written_yaml import written
from sweeper.terminal.screen import console

if TYPE_CHECKING:
    from cluster.kubernetes import KubeRay
    from sweeper.sweep import Sweep

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "kubernetes"
EXAMPLE = (
    "sweeper cluster kubernetes grid.yaml --image registry.example.org/sweeper:1 --claim sweeps "
    "--storage /storage --workers 8 --gpus 1 --spot gke"
)
HELP = (
    "write manifests to a folder: a RayJob that runs a grid, a RayCluster, and an MLflow server "
    "with PostgreSQL and passwords"
)
CLOUDS = ("gke", "aks", "karpenter")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grid(parser)
    parser.add_argument(
        "--image",
        metavar="NAME:TAG",
        required=True,
        help="an image that has sweeper (cluster/Containerfile makes one)",
    )
    parser.add_argument(
        "--claim",
        metavar="NAME",
        default="",
        help="the PersistentVolumeClaim, writable by many nodes, that pods see as the storage; "
        "none for a storage on a bucket",
    )
    parser.add_argument(
        "--credentials",
        metavar="NAME",
        default="",
        help="a Secret whose keys are environment variables for the pods, such as AWS_REGION",
    )
    parser.add_argument(
        "--data", metavar="NAME", default="", help="a claim with data sets (SWEEPER_DATA)"
    )
    _add_workers(parser)
    parser.add_argument(
        "--volume-size",
        metavar="20Gi",
        default="20Gi",
        help="of MLflow's files and of its database (default: 20Gi)",
    )
    parser.add_argument("--retry-failed", action="store_true", help="as of `sweeper run`")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("kubernetes"),
        help="folder to write to (default: ./kubernetes); passwords that are there are kept",
    )


def _add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the arguments on the pods that train."""
    parser.add_argument("--workers", type=int, metavar="N", default=4, help="at most (default: 4)")
    parser.add_argument(
        "--min-workers", type=int, metavar="N", default=0, help="at least (default: 0)"
    )
    parser.add_argument(
        "--cpus", type=int, metavar="N", help="cores of each worker (default: those of one pack)"
    )
    parser.add_argument("--memory", metavar="8Gi", default="8Gi", help="of each (default: 8Gi)")
    parser.add_argument("--gpus", type=int, metavar="N", default=0, help="of each (default: 0)")
    parser.add_argument(
        "--spot", choices=CLOUDS, default="", help="workers on machines that may be taken away"
    )


def run(arguments: argparse.Namespace) -> int:
    from cluster.kubernetes import GRID, grid_map
    from cluster.mlflow_manifests import ADDRESS, mlflow_manifests, mlflow_secret
    from cluster.private_files import private_text

    sweep = load_grid(arguments)
    require_whole_paths(sweep, "would lie in a pod, which Kubernetes deletes")
    require_no_password(sweep, "a manifest")
    ray = _ray(sweep, arguments)
    own = sweep.tracking if sweep.tracking.startswith(("http://", "https://")) else ""
    texts = _texts(sweep, arguments.grid)
    config, paths = grid_map(ray.name, texts)
    command = _command(f"{GRID}/{next(iter(texts))}", sweep, own or ADDRESS, arguments)
    job = ray.job(shlex.join(command), paths)
    mlflow = [] if own else mlflow_manifests(arguments.image, arguments.volume_size)
    folder: Path = arguments.out
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "rayjob.yaml", config, job)
        _write(folder / "raycluster.yaml", ray.cluster())
        if mlflow:
            private_text(folder / "secret.yaml", written(mlflow_secret()))
            _write(folder / "mlflow.yaml", *mlflow)
    _show(folder, ray.name, bool(own))
    return 0


def _ray(sweep: Sweep, arguments: argparse.Namespace) -> KubeRay:
    from importlib.metadata import version

    from cluster.kubernetes import KubeRay
    from cluster.mlflow_manifests import require_quantity
    from cluster.names import plain_name
    from sweeper.storage.addresses import show_storage

    memory = require_quantity("--memory", arguments.memory)
    return KubeRay(
        plain_name(sweep.experiment),
        arguments.image,
        version("ray"),
        show_storage(sweep.storage),
        arguments.claim,
        arguments.data,
        (arguments.min_workers, arguments.workers),
        cores_for(sweep.resources, arguments.cpus, arguments.gpus, memory),
        arguments.memory,
        arguments.gpus,
        arguments.spot,
        arguments.credentials,
        sweep.resources.gpu_type or "",
    )


def _texts(sweep: Sweep, grid: str) -> dict[str, str]:
    """The grid and its components, by their paths from the grid's folder on."""
    from sweeper.driver.travel import travelling_name
    from sweeper.grid.grid_files import find_grid

    components = {
        travelling_name(named): file.text.decode() for named, file in sweep.components.items()
    }
    return {find_grid(grid).name: sweep.grid, **components}


def _command(grid: str, sweep: Sweep, tracking: str, arguments: argparse.Namespace) -> list[str]:
    """The command line of the driver, on the head."""
    from sweeper.storage.addresses import show_storage

    storage = show_storage(sweep.storage)
    options = ["--cluster", "auto", "--storage", storage, "--tracking", tracking]
    options += ["--yes"] if arguments.yes else []
    options += ["--retry-failed"] if arguments.retry_failed else []
    return ["python", "-P", "-m", "sweeper", "run", grid, *options]


def _write(path: Path, *manifests: dict[str, Any]) -> None:
    path.write_text(written(*manifests), encoding="utf-8")


def _show(folder: Path, name: str, own_tracker: bool) -> None:
    apply = f"kubectl apply -f {shlex.quote(str(folder))}"
    lines = [f"written to {folder}; with KubeRay 1.5 or later in the cluster:"]
    if not own_tracker:
        lines.append(f"  {apply}/secret.yaml -f {shlex.quote(str(folder))}/mlflow.yaml")
    lines += [
        f"  {apply}/rayjob.yaml",
        f"  kubectl logs --follow job/{name}",
        "to go on after it has ended, or with a changed grid:",
        f"  kubectl replace --force -f {shlex.quote(str(folder))}/rayjob.yaml",
    ]
    console().print("\n".join(lines), markup=False, soft_wrap=True)
