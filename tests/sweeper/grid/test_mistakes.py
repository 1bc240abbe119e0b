"""All mistakes of a grid are told at once; each as it would be told alone, and none twice."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from sweeper.cli import main
from sweeper.errors import UserError
from sweeper.grid import loading
from sweeper.grid.mistakes import SeveralMistakes
from tests.sweeper.grids import write_grid

GOOD = """\
experiment: test
data: {name: digits, validation: 8}
defaults: {network: mlp, hidden: [8], d_z: 2, epochs: 2, lr: 1e-3}
seeds: 2
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2]}
  - {model: sigma_vae, sigma: 0.3, batch_size: 20}
  - {model: alpha_vae, alpha: 0.3}
evaluate: [denoising, {nll: {k: 10}}]
analysis: {law: {x: sigma, where: {d_z: 2}}}
resources: {cpus: 1, gpus: 0}
tracking: sqlite:///mlflow.db
"""
EDITS = {  # what is written in place of what; each is one mistake
    "a bound": ("sigma: [0.1, 0.2]", "sigma: [0.1, -0.2]"),
    "a type": ("epochs: 2", "epochs: two"),
    "a key of a block": ("batch_size: 20", "batch_sice: 20"),
    "a key of data": ("validation: 8", "validatio: 8"),
    "a model": ("model: alpha_vae", "model: alpha_va"),
    "a default": ("lr: 1e-3", "lrr: 1e-3"),
    "seeds": ("seeds: 2", "seeds: -1"),
    "an evaluation": ("[denoising,", "[denoisin,"),
    "a field of one": ("k: 10", "k: -10"),
    "the law's x": ("x: sigma", "x: sigmaa"),
    "the law's rows": ("where: {d_z", "where: {dz"),
    "a key of a section": ("gpus: 0", "gpuss: 0"),
    "a value of a section": ("cpus: 1", "cpus: one"),
    "an address": ("tracking: sqlite", "tracking: sqlit"),
}


def wrong(folder: Path, *edits: str) -> list[str]:
    """The errors of the grid with these edits, without its folder."""
    text = GOOD
    for old, new in (EDITS[name] for name in edits):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    with pytest.raises(UserError) as caught:
        loading.load(write_grid(folder, text), folder=folder)
    error = caught.value
    errors = error.errors if isinstance(error, SeveralMistakes) else (error,)
    return [str(one).removeprefix(f"{folder}/") for one in errors]


def place(sentence: str) -> str:
    """Line, path and what is wrong; the known names are left out, as they depend on the rest."""
    return sentence.partition(" (known")[0].replace("no trial of this grid", "no trial of a grid")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each mistake is told as where it is the only one."""
    folder = tmp_path_factory.mktemp("alone")
    found = {name: wrong(folder, name) for name in EDITS}
    assert {name: len(told) for name, told in found.items()} == dict.fromkeys(EDITS, 1)
    return {name: told[0] for name, told in found.items()}


def test_the_grid_without_mistakes_is_one(tmp_path: Path) -> None:
    assert len(loading.load(write_grid(tmp_path, GOOD), folder=tmp_path).trials) == 8


@pytest.mark.parametrize("pair", list(itertools.combinations(EDITS, 2)), ids="+".join)
def test_two_mistakes_are_told_as_each_alone(
    tmp_path: Path, pair: tuple[str, str], alone: dict[str, str]
) -> None:
    assert sorted(map(place, wrong(tmp_path, *pair))) == sorted(
        place(alone[name]) for name in pair
    )


def test_all_mistakes_are_told_in_the_order_of_the_lines(
    tmp_path: Path, alone: dict[str, str]
) -> None:
    found = wrong(tmp_path, *EDITS)
    assert sorted(map(place, found)) == sorted(map(place, alone.values()))
    lines = [int(sentence.split(":")[1]) for sentence in found]
    assert lines == sorted(lines)


def test_the_command_prints_them_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD.replace("0.1, 0.2", "0.1, -0.2").replace("epochs: 2", "epochs: two")
    assert main(["plan", str(write_grid(tmp_path, text))]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err == (
        "error: 2 mistakes in the grid:\n"
        f"  {tmp_path}/grid.yaml:3: defaults.epochs: must be a whole number, not 'two'\n"
        f"  {tmp_path}/grid.yaml:6: trials[0].sigma[1]: must be greater than 0, not -0.2\n"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sigma: 0.3", "sigm: 0.3"),
        ("trials:", "trails:"),
        ("defaults:", "defualts:"),
        ("name: digits, validation", "nam: digits, validation"),
        ("experiment:", "experimnt:"),
        ("network: mlp, hidden: [8], d_z", "network: mlpp, hidden: [8], d_z"),
        ("model: alpha_vae, alpha: 0.3", "model: alpha_vae, sigma: 0.3"),
    ],
)
def test_what_follows_from_a_mistake_is_not_told(tmp_path: Path, old: str, new: str) -> None:
    """A misspelled key is not missing as well, and blocks do not lack what it would have given."""
    assert GOOD.count(old) == 1
    with pytest.raises(UserError) as caught:
        loading.load(write_grid(tmp_path, GOOD.replace(old, new)), folder=tmp_path)
    assert not isinstance(caught.value, SeveralMistakes), caught.value


def test_a_mistake_in_a_default_is_told_once(tmp_path: Path) -> None:
    text = GOOD.replace("hidden: [8]", "hidden: [8, 0.5]")
    with pytest.raises(UserError, match=r"^[^\n]*:3: defaults.hidden\[1\]: [^\n]*$"):
        loading.load(write_grid(tmp_path, text), folder=tmp_path)


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    values = ", ".join(str(-number) for number in range(1, 51))
    text = GOOD.replace("sigma: [0.1, 0.2]", f"sigma: [{values}]")
    with pytest.raises(SeveralMistakes, match="50 mistakes in the grid") as caught:
        loading.load(write_grid(tmp_path, text), folder=tmp_path)
    assert str(caught.value).endswith("\n  and 20 more")
