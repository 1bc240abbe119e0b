"""`sweeper cluster aws`: the file with which Ray's launcher rents machines of AWS."""

from __future__ import annotations

import argparse

from sweeper.commands.launching import print_launcher_file

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "aws"
EXAMPLE = "sweeper cluster aws --region eu-central-1 --worker g5.xlarge --spot > aws.yaml"
HELP = "print the file with which `ray up` rents machines of AWS, as many as the trials ask for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--region", required=True, help="such as eu-central-1")
    parser.add_argument(
        "--worker", metavar="TYPE", required=True, help="of the machines that train: g5.xlarge"
    )
    parser.add_argument(
        "--head", metavar="TYPE", default="m5.xlarge", help="of the head (default: m5.xlarge)"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", default=4, help="at most so many (default: 4)"
    )
    parser.add_argument(
        "--spot", action="store_true", help="workers on machines that may be taken away"
    )
    parser.add_argument(
        "--profile",
        metavar="ARN",
        default="",
        help="the instance profile by which head and workers reach the storage's bucket",
    )
    parser.add_argument("--name", default="sweeper", help="of the cluster (default: sweeper)")


def run(arguments: argparse.Namespace) -> int:
    from cluster.launcher import AwsMachines

    machines = AwsMachines(
        arguments.region,
        arguments.head,
        arguments.worker,
        arguments.workers,
        arguments.spot,
        arguments.profile,
    )
    return print_launcher_file(arguments.name, machines.settings(), None)
