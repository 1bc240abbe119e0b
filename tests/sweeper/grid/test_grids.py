"""Every grid that comes with the package expands, and says what it is."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sweeper.commands import init
from sweeper.errors import UserError
from sweeper.grid.document import read
from sweeper.grid.expand import expand, plan_blocks
from sweeper.grid.grid_files import shipped_grids
from sweeper.grid.resolve import resolve
from sweeper.grid.schema import check_grid
from sweeper.sweep import PlannedTrial
from trainers.errors import DataError
from trainers.trial import Trial

TEMPLATE = Path(init.__file__).with_name("template.yaml")


def expanded(path: Path) -> tuple[PlannedTrial, ...]:
    document = read(path)
    return resolve(document, expand(document, check_grid(document)))


@pytest.mark.parametrize("name", shipped_grids())
def test_a_shipped_grid_spans_trials(name: str) -> None:
    """Also where its data set is not installed."""
    document = read(shipped_grids()[name])
    blocks = plan_blocks(document, check_grid(document))
    trials = [
        Trial.from_config({**config, "corrupts": variant.model.corrupts})
        for block in blocks
        for variant in block.variants
        for config in variant.points(document)
    ]
    assert 0 < len(trials) <= sum(block.count for block in blocks)
    assert document.text.startswith("# ")


@pytest.mark.parametrize("name", shipped_grids())
def test_a_shipped_grid_asks_what_its_models_can_answer(name: str) -> None:
    document = read(shipped_grids()[name])
    try:
        assert expand(document, check_grid(document))
    except UserError as error:
        if not isinstance(error.__cause__, DataError):
            raise
        pytest.skip(str(error.__cause__))


def test_digits_is_the_quickstart() -> None:
    trials = expanded(shipped_grids()["digits"])
    kinds = Counter((trial.params["model"], trial.role) for trial in trials)
    assert kinds == {
        ("sigma_vae", "declared"): 27,
        ("sigma_vae", "twin"): 2,
        ("alpha_vae", "declared"): 4,
    }
    sigmas = {
        trial.params["sigma"]
        for trial in trials
        if trial.role == "declared" and trial.params["model"] == "sigma_vae"
    }
    assert sorted(sigmas) == [0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.24, 0.27]
    assert {trial.params["share_encoder"] for trial in trials} == {True}
    assert {trial.params["d_z"] for trial in trials} == {100}


def test_the_template_expands_also_with_its_examples() -> None:
    assert len(expanded(TEMPLATE)) == 47
    text = TEMPLATE.read_text(encoding="utf-8")
    assert text.count("\n  # - {") == 3


def test_the_template_s_examples_are_valid(tmp_path: Path) -> None:
    text = TEMPLATE.read_text(encoding="utf-8").replace("\n  # - {", "\n  - {")
    path = tmp_path / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    assert len(expanded(path)) == 47 + 4 * 5 + 5 + 5


def test_a_shipped_grid_is_read_without_what_takes_torch_seconds_to_import() -> None:
    code = (
        "import sys\nfrom sweeper.grid.loading import load\nload('digits')\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
