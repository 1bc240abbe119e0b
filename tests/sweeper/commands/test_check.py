"""`sweeper check` and `sweeper init --component`: every template keeps the rules of its kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sweeper.cli import main
from sweeper.commands.init import templates
from tests.analysis import storage_fixture as planted
from trainers.conformance import data_sets

TEMPLATES = {kind: path.read_text(encoding="utf-8") for kind, path in templates().items()}
BROKEN = {
    "dataset": ("scale=255.0", "scale=1.0", "they go from 0 to 255"),
    "evaluation": (
        "return Evaluation({",
        "return Evaluation({'odd': float('nan'), ",
        "odd are not",
    ),
    "sampler": ("self.temperature * z", "torch.randn_like(z)", "all chance comes from"),
    "search": ("rng = np", "rng = np.random.default_rng() or np", "begin with the same ones"),
    "figure": ('title="ELBO (nats/example)"', "title=None", "axis titles"),
}


def test_there_is_a_template_of_every_kind() -> None:
    assert set(TEMPLATES) == {
        "dataset",
        "objective",
        "likelihood",
        "network",
        "corruption",
        "sampler",
        "evaluation",
        "search",
        "figure",
    }


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_a_template_is_short_and_keeps_the_rules(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    assert main(["init", "--component", kind, str(file)]) == 0
    assert file.read_text().count("\n") < 60
    assert main(["check", str(file)]) == 0
    assert "keeps" in capsys.readouterr().out


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_broken_one_is_told_with_the_remedy(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, said = BROKEN[kind]
    assert good in TEMPLATES[kind]
    file = tmp_path / "mine.py"
    file.write_text(TEMPLATES[kind].replace(good, bad), encoding="utf-8")
    assert main(["check", str(file)]) == 2
    assert said in capsys.readouterr().out


def test_a_density_with_the_wrong_sign_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    good = "return -0.5 * (self.freedom"
    assert good in TEMPLATES["likelihood"]
    file.write_text(TEMPLATES["likelihood"].replace(good, good.replace("-", "")), "utf-8")
    assert main(["check", str(file)]) == 2
    assert "less likely than the mean" in " ".join(capsys.readouterr().out.split())


RETURN = re.compile(r"^( +)return .*?(?=\n\s*\n|\n +(?:def|@)|\Z)", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_a_method_that_returns_nothing_is_the_files_mistake(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What fails is the package's code, with what the method returned."""
    found = [*RETURN.finditer(TEMPLATES[kind])]
    assert found
    for number, one in enumerate(found):
        text = TEMPLATES[kind]
        file = tmp_path / f"mine{number}.py"
        file.write_text(f"{text[: one.start()]}{one[1]}return None{text[one.end() :]}", "utf-8")
        assert main(["check", str(file)]) == 2
        assert f"breaks a rule: {file}" in capsys.readouterr().out


def test_a_report_says_where_a_figure_of_ones_own_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = planted.write(tmp_path / "storage", planted.digits_experiment())
    file = tmp_path / "mine.py"
    good = "    return drawing"
    assert good in TEMPLATES["figure"]
    file.write_text(TEMPLATES["figure"].replace(good, "    return drawing.nothing"), "utf-8")
    command = ["report", "imaginary-noise", "--storage", str(storage), "--out", str(tmp_path)]
    assert main([*command, "--figure", str(file)]) == 2
    line = file.read_text("utf-8").splitlines().index("    return drawing.nothing") + 1
    assert f"{file}:{line}: the figure 'elbo_sigma' fails" in capsys.readouterr().err


def test_a_report_draws_a_figure_of_ones_own(tmp_path: Path) -> None:
    storage = planted.write(tmp_path / "storage", planted.digits_experiment())
    file, out = tmp_path / "mine.py", tmp_path / "out"
    file.write_text(TEMPLATES["figure"], encoding="utf-8")
    command = ["report", "imaginary-noise", "--storage", str(storage), "--out", str(out)]
    assert main([*command, "--figure", str(file)]) == 0
    assert (out / "elbo_sigma.csv").is_file()
    assert "ELBO against σ" in (out / "index.html").read_text(encoding="utf-8")
    file.write_text("FIGURE = 1\n", encoding="utf-8")
    assert main([*command, "--figure", str(file)]) == 2


def test_the_rules_that_are_kept_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(TEMPLATES["dataset"], encoding="utf-8")
    assert main(["check", str(file)]) == 0
    first, *rules = capsys.readouterr().out.splitlines()
    assert first == f"the data set bars keeps {len(rules)} rules:"
    assert rules == [f"  {rule.__name__.replace('_', ' ')}" for rule in data_sets.RULES]


def test_a_grid_is_checked_by_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text("experiment: e\n", encoding="utf-8")
    assert main(["check", str(file)]) == 2
    assert f"this is a grid: `sweeper plan {file}` checks it" in capsys.readouterr().err
