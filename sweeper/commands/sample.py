"""`sweeper sample`: a picture of samples from a trained model."""

from __future__ import annotations

import argparse

from sweeper.commands.drawn import add_drawing, show_drawing, trained_trial

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "sample"
EXAMPLE = "sweeper sample sigma=0.15 seed=0 --out samples.png"
HELP = "draw samples of a trained model as a PNG, in its storage and its MLflow run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_drawing(parser)
    parser.add_argument(
        "--sampler",
        metavar="NAME",
        help="ancestral, langevin, walk_jump or nebula (default: walk_jump where "
        "an energy was learned, else ancestral)",
    )
    parser.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="a field of the sampler, such as delta=0.1 (`sweeper list samplers`)",
    )


def run(arguments: argparse.Namespace) -> int:
    trained = trained_trial(arguments)
    from sweeper.pictures.sampling import draw_samples, make_sampler

    sampler = make_sampler(trained, arguments.sampler, arguments.set)
    drawing = draw_samples(trained, sampler, arguments.count, arguments.seed)
    return show_drawing(arguments, trained, drawing)
