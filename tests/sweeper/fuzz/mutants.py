"""Mutants of valid grids, and bytes that are no grid at all; each one from a number."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from sweeper.grid.grid_files import shipped_grids

__all__ = ["SHIPPED", "VALID", "mutant"]

VALID = (
    "experiment: a\ndata: digits\ndefaults: {network: conv, d_z: 10, epochs: 2, lr: 1e-3}\n"
    "seeds: 2\ntrials:\n  - {model: sigma_vae, sigma: {linspace: [0.1, 0.3, 3]}}\n"
    "  - {model: sigma_vae, sigma: 0.03, beta: [4, 16]}\n  - {model: deen, sigma: 0.2}\n",
    "experiment: b\ndata: {name: linear_gaussian}\nsearch: {method: sobol, trials: 4}\n"
    "seeds: [3]\ntrials:\n- model: sigma_vae\n  network: mlp\n  hidden: [8, 8]\n  d_z: 2\n"
    "  lr: {loguniform: [1e-4, 1e-2]}\n  sigma: {choice: [0.1, 0.2]}\n"
    "evaluate: [active_units, {nll: {k: 5}}]\nuntil: {nu_halfwidth: 0.02, max_seeds: 9}\n",
    "experiment: &name c\ndata: digits\ndefaults: &all {network: linear, d_z: &n 2, epochs: 1}\n"
    "aliases: verify\nanalysis: {law: {x: sigma, y: test/kl, range: [0.1, 0.3]}}\n"
    "resources: {cpus: 1, gpus: 0, pack: auto}\nstorage: ./s\ntracking: sqlite:///m.db\n"
    "cluster: local\ntrials:\n  - model: [sigma_vae]\n    sigma: 0.1\n"
    "    d_z: *n\n    seeds: 1\n",
)
NASTY = (
    "1e400",
    "-1e400",
    ".inf",
    "-.inf",
    ".nan",
    "0",
    "-0.0",
    "-1",
    "1e-320",
    "9" * 18,
    "9" * 400,
    "1" * 4301,
    "''",
    "~",
    "null",
    "true",
    "[]",
    "{}",
    "[[]]",
    "{a: {b: {c: 1}}}",
    "[1, [2, [3]]]",
    "{linspace: [0, 1, 999999999999999999]}",
    "{linspace: [1, 0, 2.5]}",
    "{linspace: []}",
    "{logspace: [0, 1, 3]}",
    "{logspace: [1e-320, 1e308, 3]}",
    "{linspace: [1, .nan, 3]}",
    "{linspace: [-1e308, 1e308, 3]}",
    "{uniform: [1, 0]}",
    "{int: [0, 9999999999999999999]}",
    "{choice: []}",
    "{choice: {a: 1}}",
    "{loguniform: [-1, 1]}",
    "!!python/object:os.system x",
    "!!binary aGk=",
    "!x y",
    "*all",
    "*name",
    "*nobody",
    "&a [*a]",
    "&a {b: *a}",
    "../../etc",
    "/etc/passwd",
    "a\\0b",
    '"\\0"',
    '"\\ud800"',
    '"\\u202e"',
    "σ",
    "\U0001f600",
    "x" * 900,
    "? [a]\n: b",
    "|\n  text",
    ">-\n  text",
    "%YAML 1.1",
    "--- ",
    "...",
    "2001-01-01",
    "0x1f",
    "0o17",
    "1_000",
    "+1",
    "no",
    "<<",
    "{<<: *all}",
    "=cmd|' /C calc'!A0",
    "<script>",
    "\t1",
    "[" * 60,
    "{a: " * 60,
    "[" * 300,
    "- " * 60,
    "a: " * 50,
    "\u2028",
    "\ufeff",
    "#",
)

SHIPPED = list(shipped_grids().values())
NUMBER = re.compile(r"[0-9][0-9.e-]*")
Change = Callable[[Random, str], str]


def mutant(number: int) -> bytes:
    """The input of this number: a mutated grid, or in one of ten cases bytes of any kind."""
    random = Random(number)
    if random.random() < 0.1:
        return _bytes(random)
    text = random.choice(VALID)
    if random.random() < 0.01:
        text = random.choice(SHIPPED).read_text(encoding="utf-8")
    for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3, 5))):
        text = random.choice(CHANGES)(random, text)
    content = text.encode("utf-8", "surrogatepass")
    if random.random() < 0.05:
        place = random.randrange(len(content) + 1)
        content = content[:place] + random.randbytes(random.randrange(1, 9)) + content[place:]
    return content


def _bytes(random: Random) -> bytes:
    kinds = (
        random.randbytes(random.randrange(300)),
        bytes(random.choices(b"[]{}:,-&*!|>'\"%@`#? \n\tab01.", k=random.randrange(300))),
        random.choice(NASTY).encode("utf-8", "surrogatepass") * random.randrange(1, 40),
    )
    return random.choice(kinds)


def _scalar(random: Random, text: str) -> str:
    """Another value in place of one."""
    places = [at for at, sign in enumerate(text) if sign in ":,[{-"]
    if not places:
        return random.choice(NASTY)
    start = random.choice(places) + 1
    end = start
    while end < len(text) and text[end] not in ",]}\n":
        end += 1
    return f"{text[:start]} {random.choice(NASTY)}{text[end:]}"


def _number(random: Random, text: str) -> str:
    """Another number in place of one: often still a grid."""
    found = list(NUMBER.finditer(text))
    if not found:
        return text
    one = random.choice(found)
    new = random.choice(("0", "1", "2", "7", "-3", "0.5", "1e-3", "1e9", "1e308", "0.3e-7", "2.0"))
    return text[: one.start()] + new + text[one.end() :]


def _insert(random: Random, text: str) -> str:
    place = random.randrange(len(text) + 1)
    return text[:place] + random.choice(NASTY) + text[place:]


def _cut(random: Random, text: str) -> str:
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start + random.choice((1, 1, 2, 5, 40)) :]


def _truncate(random: Random, text: str) -> str:
    return text[: random.randrange(len(text) + 1)]


def _line(random: Random, text: str) -> str:
    """A line twice, elsewhere, deeper, or gone."""
    lines = text.splitlines(keepends=True) or [""]
    place = random.randrange(len(lines))
    line = lines[place]
    kind = random.randrange(4)
    if kind == 0:
        lines.insert(random.randrange(len(lines) + 1), line)
    elif kind == 1:
        lines.insert(random.randrange(len(lines)), lines.pop(place))
    elif kind == 2:
        lines[place] = " " * random.randrange(1, 5) + line
    else:
        del lines[place]
    return "".join(lines)


def _swap(random: Random, text: str) -> str:
    """Two words change places, so that known keys stand where they do not belong."""
    parts = text.replace("{", " ").replace(":", " ").split()
    words = [word for word in parts if word.isidentifier()]
    if len(words) < 2:
        return text
    one, other = random.sample(words, 2)
    return text.replace(one, "\0", 1).replace(other, one, 1).replace("\0", other)


CHANGES: tuple[Change, ...] = (
    _scalar,
    _scalar,
    _scalar,
    _number,
    _number,
    _number,
    _insert,
    _cut,
    _truncate,
    _line,
    _swap,
)
