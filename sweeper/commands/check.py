"""`sweeper check`: does a file of the user's own components keep the rules?"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.wording import plural
from sweeper.commands.shared import add_json
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from sweeper.planning.own_rules import Judgement

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "check"
EXAMPLE = "sweeper check my_objective.py"
HELP = "check a file of your own components or figures by the rules that the package's own keep"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.py", help="the file; nothing of it is stored")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.file.endswith((".yaml", ".yml")):
        raise UserError(
            f"this is a grid: `sweeper plan {arguments.file}` checks it", arguments.file
        )
    from sweeper.planning.own_rules import check_file

    findings: list[Judgement] = check_file(Path(arguments.file).absolute())
    broken = [one for one in findings if one.broken]
    if arguments.json:
        print_json({"file": arguments.file, "findings": [vars(one) for one in findings]})
    for one in () if arguments.json else findings:
        _show(one)
    if broken and not arguments.json:
        raise UserError(f"{len(broken)} of {len(findings)} rules are broken", arguments.file)
    return 2 if broken else 0


def _show(one: Judgement) -> None:
    """The verdict, and the rules that are kept, with how many models each was tried on."""
    many = Counter(one.kept)
    verdict = (
        f"breaks a rule: {one.broken}" if one.broken else f"keeps {plural(len(many), 'rule')}:"
    )
    console().print(f"{one.component} {verdict}", markup=False, soft_wrap=True)
    for rule, count in () if one.broken else many.items():
        models = f" (tried on {count} models)" if count > 1 else ""
        console().print(f"  {rule}{models}", markup=False, soft_wrap=True)
