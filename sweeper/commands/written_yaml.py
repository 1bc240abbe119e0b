"""Write YAML for programs that read YAML 1.1, as `kubectl` and Ray do."""

from __future__ import annotations

import io
import re
from copy import deepcopy
from typing import Any

__all__ = ["written"]

DIRECTIVE = r"(?m)^%YAML 1\.1\n"


def written(*documents: dict[str, Any]) -> str:
    """The documents as text; what YAML 1.1 would take for a number or a truth value is quoted."""
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import walk_tree

    writer = YAML()
    writer.version = (1, 1)
    writer.width = 10_000  # no line is broken
    text = io.StringIO()
    copies = [deepcopy(document) for document in documents]
    for copy in copies:
        walk_tree(copy)  # texts of several lines stay so
    writer.dump_all(copies, text)
    # kubectl would take the directive for a document
    return re.sub(DIRECTIVE, "", text.getvalue()).removeprefix("---\n")
