"""`sweeper denoise`: a picture of noisy test images and a trained model's estimates."""

from __future__ import annotations

import argparse

from sweeper.commands.drawn import add_drawing, show_drawing, trained_trial

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "denoise"
EXAMPLE = "sweeper denoise sigma=0.15 seed=0 --noise gaussian:0.5"
HELP = "draw noisy test images and a trained model's estimates, in storage and MLflow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_drawing(parser)
    parser.add_argument(
        "--noise",
        metavar="NAME:LEVEL",
        help="such as gaussian:0.9, laplace:0.4, salt_and_pepper:0.5 (default: "
        "the noise that the model is about)",
    )


def run(arguments: argparse.Namespace) -> int:
    trained = trained_trial(arguments)
    from sweeper.pictures.denoised import draw_denoised

    drawing = draw_denoised(trained, arguments.noise, arguments.count or 10, arguments.seed)
    return show_drawing(arguments, trained, drawing)
