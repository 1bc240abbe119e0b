"""Components that a grid brings: found beside it, part of the ids, refused with file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeper.cli import main
from sweeper.errors import UserError
from sweeper.grid.loading import load
from sweeper.sweep import PlannedTrial
from tests.sweeper.own_files import BARS, GRID, write_grid_with
from trainers import Trial, component_files
from trainers.datasets import DATASETS
from trainers.errors import UnknownName


def by_data(trials: tuple[PlannedTrial, ...]) -> dict[str, list[PlannedTrial]]:
    return {
        name: [one for one in trials if one.trial.data.name == name] for name in ("bars", "digits")
    }


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is not the grid's folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_beside_the_grid_is_known_to_it_and_to_no_other(elsewhere: Path) -> None:
    sweep = load(write_grid_with(elsewhere / "grids"))
    [(named, file)] = sweep.components.items()
    assert (named, [entry.name for entry in file.entries]) == ("bars.py", ["bars"])
    assert "bars" in DATASETS
    plain = GRID.replace("components: [bars.py]\n", "").replace("data: bars", "data: barz")
    with pytest.raises(UserError, match="unknown data set 'barz'"):
        load(write_grid_with(elsewhere / "others", grid=plain))
    assert "bars" not in DATASETS


def test_an_edit_changes_the_ids_of_the_trials_that_use_the_file_and_of_no_others(
    elsewhere: Path,
) -> None:
    path = write_grid_with(elsewhere)
    first = by_data(load(path).trials)
    write_grid_with(elsewhere, BARS + "\n# another version\n")
    second = by_data(load(path).trials)
    assert len(first["bars"]) == len(first["digits"]) == 3
    assert {one.id for one in first["bars"]}.isdisjoint(one.id for one in second["bars"])
    assert [one.id for one in first["digits"]] == [one.id for one in second["digits"]]
    versions = {one.params["components"] for one in (*first["bars"], *second["bars"])}
    assert len(versions) == 2
    assert all("components" not in one.params for one in second["digits"])


def test_two_versions_of_a_file_stand_in_one_process(elsewhere: Path) -> None:
    configs = []
    for text in (BARS, BARS.replace("share: float = 0.2", "share: float = 0.5")):
        trial = load(write_grid_with(elsewhere, text)).trials[0].trial
        configs.append(trial.config())
    first, second = (Trial.from_config(config) for config in configs)
    assert first.data.name == second.data.name == "bars"
    assert type(first.data) is not type(second.data)
    assert first.data.checksum() != second.data.checksum()
    unknown = {**configs[0], "data": {**configs[0]["data"], "source": "0" * 64}}
    with pytest.raises(UnknownName, match="'bars' comes from a file that was not loaded"):
        Trial.from_config(unknown)


def test_one_text_in_two_files_is_one_component_and_two_texts_are_refused(elsewhere: Path) -> None:
    grid = GRID.replace("[bars.py]", "[bars.py, more.py]")
    path = write_grid_with(elsewhere, grid=grid)
    (elsewhere / "more.py").write_text(BARS)
    assert len(load(path).trials) == 6
    (elsewhere / "more.py").write_text(BARS + "\n")
    with pytest.raises(UserError, match=r"'bars' is registered by .*bars\.py, too") as caught:
        load(path)
    assert caught.value.file == str(elsewhere / "more.py")


def test_plan_and_list_say_what_a_grid_brings(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_grid_with(elsewhere))
    assert main(["plan", path, "--json"]) == 0
    [brought] = json.loads(capsys.readouterr().out)["components"]
    assert brought["registers"] == ["data set bars"]
    assert main(["plan", path]) == 0
    assert f"bars.py (SHA-256 {brought['sha256'][:16]}" in capsys.readouterr().out
    assert main(["list", "datasets", path, "--json"]) == 0
    entries = {one["name"]: one for one in json.loads(capsys.readouterr().out)["datasets"]}
    assert entries["bars"]["summary"] == "Horizontal and vertical bars."
    component_files.offer(())
    assert main(["list", "datasets", "--json"]) == 0
    assert "bars" not in capsys.readouterr().out


SPOILT = {
    "syntax": ("    side: Count = 4", "    side: Count = = 4", 22, "SyntaxError: invalid syntax"),
    "import": ("import torch\n", "import torhc\n", 8, "No module named 'torhc'"),
    "raises": ("@DATASETS", "1 / 0\n\n\n@DATASETS", 14, "ZeroDivisionError"),
    "nothing": ('@DATASETS.register("bars")\n', "", None, "registers at least one"),
    "known name": ('register("bars")', 'register("digits")', 16, "'digits' exists already"),
    "not frozen": ("(frozen=True, kw_only=True)", "(kw_only=True)", 16, "frozen dataclass"),
    "no type": ("share: float = 0.2", "share = 0.2", 23, "`share = 0.2` of Bars has none"),
    "unknown type": ("side: Count", "side: Counts", 16, "the fields of Bars cannot be read"),
    "shape": ("return 1, self.side", "return 2, self.side", 29, "the train part is .*32.*16"),
    "range": (
        "scale=255.0",
        "scale=1.0",
        29,
        "value_range = .0.0, 1.0., and they go from 0 to 255",
    ),
    "type": ("to(torch.uint8) * 255", "to(torch.int64)", 29, "and it is torch.int64"),
    "nan": ("to(torch.uint8) * 255", "float() * torch.nan", 29, "are NaN or infinite"),
    "empty": ("Split(x[150:], labels[150:])", "Split(x[:0])", 29, "test part .* it is empty"),
    "labels": (".clamp(max=1)", ".clamp(max=1) - 1", 29, "they go from -1 to 0"),
    "chance": ("generator=generator", "", 29, "two calls differ"),
    "checksum": ("return array_checksum(self", "return str(self", 38, "16 hex digits"),
    "exception": ("scale=255.0", "scale=255.0 / 0", 35, "ZeroDivisionError"),
    "data field": ("side: Count = 4", "side: Count", None, "data set bars needs `side`"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_wrong_file_is_refused_with_its_line(how: str, elsewhere: Path) -> None:
    good, bad, line, said = SPOILT[how]
    assert good in BARS
    path = write_grid_with(elsewhere, BARS.replace(good, bad))
    with pytest.raises(UserError, match=said) as caught:
        load(path)
    if line:
        assert caught.value.file == str(elsewhere / "bars.py")
        assert caught.value.line == line


def test_a_refused_plan_ends_with_exit_code_2(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_grid_with(elsewhere, BARS.replace("scale=255.0", "scale=1.0"))
    assert main(["plan", str(path)]) == 2
    said = capsys.readouterr().err
    assert "bars.py:29" in said.replace("\n", "")


def test_what_is_no_file_and_no_installed_name_is_refused(elsewhere: Path) -> None:
    for named, said in (("barz.py", r"there is no file .*barz\.py"), ("barz", "no installed")):
        with pytest.raises(UserError, match=said) as caught:
            load(write_grid_with(elsewhere, grid=GRID.replace("bars.py", named)))
        assert caught.value.line == 2
        assert caught.value.path == "components[0]"


def test_an_installed_package_offers_its_file_by_an_entry_point(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = elsewhere / "site"
    write_grid_with(package)
    (package / "bars.py").rename(package / "my_bars.py")
    about = package / "my_bars-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-bars\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[sweeper.components]\nbars = my_bars\n")
    monkeypatch.syspath_prepend(package)
    sweep = load(write_grid_with(elsewhere, "broken(", GRID.replace("bars.py", "bars")))
    assert sweep.components["bars"].path == package / "my_bars.py"
    assert len(sweep.trials) == 6
