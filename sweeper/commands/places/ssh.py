"""`sweeper cluster ssh`: the file with which Ray's launcher starts a cluster on given hosts."""

from __future__ import annotations

import argparse
import getpass
import sys

from sweeper.commands.launching import print_launcher_file

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "ssh"
EXAMPLE = "sweeper cluster ssh 10.0.0.1 10.0.0.2 --user me > hosts.yaml"
HELP = "print the file with which `ray up` starts a Ray on hosts that are reached by SSH"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("hosts", metavar="HOST", nargs="+", help="the first one has Ray's head")
    parser.add_argument("--user", help="of the hosts (default: you)")
    parser.add_argument("--key", metavar="FILE", default="", help="the private key for them")
    parser.add_argument("--name", default="hosts", help="of the cluster (default: hosts)")
    python = parser.add_mutually_exclusive_group()
    python.add_argument(
        "--python",
        metavar="PATH",
        default=sys.executable,
        help="the Python of the hosts, which has sweeper (default: this one)",
    )
    python.add_argument(
        "--install",
        action="store_true",
        help="install sweeper there from this checkout, for hosts that lack it",
    )


def run(arguments: argparse.Namespace) -> int:
    from cluster.launcher import SshHosts

    user = arguments.user or getpass.getuser()
    place = SshHosts(arguments.hosts, user, arguments.key)
    return print_launcher_file(
        arguments.name, place.settings(), None if arguments.install else arguments.python
    )
