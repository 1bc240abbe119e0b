"""Shared parts of the commands that draw pictures from a trained model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_json, add_trial
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from sweeper.pictures.drawings import Drawing
    from sweeper.status.trained import TrainedTrial
    from sweeper.tracking.keeping import KeptPicture

__all__ = ["add_drawing", "show_drawing", "trained_trial"]

MOST = 1000


def add_drawing(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the trial, the number of images and the output file."""
    add_trial(parser)
    parser.add_argument("--count", type=int, metavar="N", help="how many images, or chains")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the noise (default: 0)"
    )
    parser.add_argument("--out", metavar="FILE.png", help="also write the picture here")
    parser.add_argument(
        "--storage",
        metavar="DIR",
        default="sweeps",
        help="storage folder that holds the trial (default: ./sweeps)",
    )
    add_json(parser)


def trained_trial(arguments: argparse.Namespace) -> TrainedTrial:
    """Check the arguments, and load the trial's model."""
    if arguments.count is not None and not 1 <= arguments.count <= MOST:
        raise UserError(f"--count must be from 1 to {MOST}, not {arguments.count}")
    if not 0 <= arguments.seed < 2**31:
        raise UserError(f"--seed must be at least 0, not {arguments.seed}")
    if arguments.out and not arguments.out.lower().endswith(".png"):
        raise UserError(f"--out must end in .png, not {arguments.out!r}")
    from sweeper.status.trained import load_trained, require_pictures
    from sweeper.storage.addresses import storage_path

    trained = load_trained(storage_path(arguments.storage), " ".join(arguments.trial))
    require_pictures(trained)
    return trained


def show_drawing(arguments: argparse.Namespace, trained: TrainedTrial, drawing: Drawing) -> int:
    """Save the picture and print its path; returns 0 even if the tracker does not answer."""
    from sweeper.storage.addresses import storage_path
    from sweeper.tracking.keeping import keep

    out = Path(arguments.out).expanduser() if arguments.out else None
    kept = keep(storage_path(arguments.storage), trained, drawing, out)
    if arguments.json:
        print_json(
            {
                "trial": trained.id,
                "label": trained.label,
                "epoch": trained.epoch,
                "picture": str(kept.path),
                "out": arguments.out,
                "rows": list(drawing.captions),
                "loss": dict(drawing.loss),
                "runs": list(kept.runs),
                "notes": list(kept.notes),
            }
        )
    else:
        _print(trained, drawing, kept, out)
    return 0


def _print(trained: TrainedTrial, drawing: Drawing, kept: KeptPicture, out: Path | None) -> None:
    screen = console()
    epochs = trained.trial.training.epochs
    age = "" if trained.epoch == epochs else f", epoch {trained.epoch} of {epochs}"
    lines = [f"{trained.label} ({trained.id}{age})"]
    for caption in drawing.captions:
        loss = drawing.loss.get(caption)
        lines.append(f"  {caption}" + (f": ‖x − ·‖² = {loss:.4g}" if loss is not None else ""))
    lines.append(f"picture {out or kept.path}")
    lines += [f"MLflow  run {run}" for run in kept.runs] + list(kept.notes)
    for line in lines:
        screen.print(line, markup=False, soft_wrap=True)
