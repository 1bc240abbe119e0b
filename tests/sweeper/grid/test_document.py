"""YAML 1.2 is read into plain values with their lines; what could explode is refused."""

from __future__ import annotations

import math

import pytest

from sweeper.errors import UserError
from sweeper.grid.document import MAX_BYTES, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("-3", -3),
        ("007", 7),
        ("0.30", 0.3),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("99999999999999999999", 1e20),
        ("σ", "σ"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = parse(f"key: {text}", "g.yaml").values["key"]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number() -> None:
    assert math.isnan(parse("a: .nan", "g.yaml").values["a"])


def test_every_value_knows_its_line() -> None:
    document = parse("a: 1\nb:\n  - {x: 1}\n  - x: 2\n    y: 3\n", "g.yaml")
    assert document.line(("b", 1, "y")) == 5
    assert document.line(("b", 1, "y", "z", 3)) == 5
    assert document.line(("b", 0)) == 3


def test_an_alias_is_what_its_anchor_is() -> None:
    assert parse("a: &x {s: [1, 2]}\nb: *x", "g.yaml").values["b"] == {"s": [1, 2]}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "g.yaml:5: more than 50,000 values (aliases count in full)"),
        ("[" * 30_000, "g.yaml:1: nested more than 24 levels deep"),
        ("{a: " * 30_000, "g.yaml:1: nested more than 24 levels deep"),
        ("- " * 30_000, "g.yaml:1: nested more than 24 levels deep"),
        ("a: &x [*x]", "g.yaml:1: the alias *x has no anchor before it"),
        (
            "a: 1\nb: 2\na: 3",
            "g.yaml:3: a: the key 'a' appears twice in one mapping (first on line 1)",
        ),
        (
            "a: &x {b: 1}\nc: {<<: *x}",
            "g.yaml:2: c: merge keys (<<) are not of YAML 1.2: put what "
            "rows share into `defaults`",
        ),
        (
            "a: {b: 1,\n b: 2}",
            "g.yaml:2: a.b: the key 'b' appears twice in one mapping (first on line 1)",
        ),
        ("1: 2", "g.yaml:1: a key must be a name, as in `sigma: 0.1`"),
        ("? [a]\n: 1", "g.yaml:1: a key must be a name, as in `sigma: 0.1`"),
        (
            "a: !!python/object/apply:os.system [x]",
            "g.yaml:1: a: YAML tags (tag:yaml.org,2002:python/"
            "object/apply:os.system) are not allowed in a grid",
        ),
        ("a: !x 1", "g.yaml:1: a: YAML tags (!x) are not allowed in a grid"),
        ("a: 1\n---\nb: 1", "g.yaml:2: one document a file: remove the second `---`"),
        ("a: 1\n b: 2", "g.yaml:2: not valid YAML: mapping values are not allowed here"),
        ("a: [1, 2", "g.yaml:1: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        (
            "a: \x07",
            "g.yaml: not valid YAML: unacceptable character #x0007: special characters are "
            "not allowed",
        ),
    ],
)
def test_bad_yaml_gets_one_message(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text, "g.yaml")
    assert str(caught.value) == message


def test_a_large_file_is_refused_unread() -> None:
    with pytest.raises(UserError, match="at most 256 KiB"):
        parse("a: '" + "x" * MAX_BYTES + "'", "g.yaml")
