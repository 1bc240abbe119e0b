"""`sweeper init`: a grid, a notebook, or a component of one's own, to start from."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from sweeper.errors import UserError
from sweeper.terminal.screen import console

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "init"
EXAMPLE = "sweeper init grid.yaml"
HELP = "write a grid to start from, with every line explained, or a notebook (FILE.ipynb)"
NOTEBOOK = ".ipynb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--component",
        metavar="KIND",
        choices=sorted(templates()),
        help=f"a component of your own in place of a grid: {', '.join(sorted(templates()))}",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="grid.yaml",
        help="file to write (default: grid.yaml); none is overwritten; with the ending .ipynb a "
        "notebook that goes from data to a law",
    )


def templates() -> dict[str, Path]:
    """The file to start a component of one's own from, by kind."""
    folder = Path(__file__).with_name("component_templates")
    return {path.stem.rpartition("_")[2]: path for path in folder.glob("[a-z]*.py")}


def _start(path: Path, component: str | None) -> tuple[Path, str]:
    """The template of a file, and the command that takes the file next."""
    if component:
        return templates()[component], "sweeper check"
    if path.suffix == NOTEBOOK:
        there = find_spec("jupyterlab") is not None
        install = "" if there else "pip install jupyterlab; "
        return Path(__file__).with_name("template.ipynb"), f"{install}jupyter lab"
    return Path(__file__).with_name("template.yaml"), "sweeper plan"


def run(arguments: argparse.Namespace) -> int:
    path = Path(arguments.file)
    template, following = _start(path, arguments.component)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template.read_text(encoding="utf-8"))
    except FileExistsError as error:
        raise UserError("exists already, and is left as it is", str(path)) from error
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", str(path)) from error
    console().print(f"wrote {path}; next: {following} {path}", markup=False, soft_wrap=True)
    return 0
