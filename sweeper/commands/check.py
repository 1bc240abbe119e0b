"""`sweeper check`: does a file of the user's own components keep the rules?"""

from __future__ import annotations

import argparse
from pathlib import Path

from sweeper.commands.shared import add_json
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "check"
EXAMPLE = "sweeper check my_objective.py"
HELP = "check a file of your own components or figures by the rules that the package's own keep"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.py", help="the file; nothing of it is stored")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.planning.own_rules import Judgement, check_file

    findings: list[Judgement] = check_file(Path(arguments.file).absolute())
    broken = [one for one in findings if one.broken]
    if arguments.json:
        print_json({"file": arguments.file, "findings": [vars(one) for one in findings]})
    for one in () if arguments.json else findings:
        verdict = f"breaks a rule: {one.broken}" if one.broken else f"keeps {one.rules} rules"
        console().print(f"{one.component} {verdict}", markup=False, soft_wrap=True)
    if broken and not arguments.json:
        raise UserError(f"{len(broken)} of {len(findings)} rules are broken", arguments.file)
    return 2 if broken else 0
