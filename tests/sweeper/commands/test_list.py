"""`sweeper list` names everything that is registered, each with a line and its source."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sweeper.cli import main
from sweeper.grid.asked import read_evaluations
from sweeper.grid.document import parse
from sweeper.grid.loading import load
from sweeper.grid.models import known_models
from sweeper.planning.catalogue import catalogue, registries
from sweeper.planning.entry import entry_of
from trainers.evaluations import EVALUATIONS

KINDS = {
    "models",
    "objectives",
    "likelihoods",
    "networks",
    "corruptions",
    "datasets",
    "samplers",
    "evaluations",
    "searches",
    "grids",
}


def test_every_registry_is_listed() -> None:
    found = catalogue()
    assert set(found) >= KINDS
    assert {entry["name"] for entry in found["models"]} == set(known_models())
    for folder, registry in registries().items():
        assert [entry["name"] for entry in found[folder]] == list(registry)


def test_one_kind_shows_what_a_grid_may_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "objectives"]) == 0
    shown = capsys.readouterr().out
    assert "beta: 1.0, k: 1, m: 1" in shown
    assert "`likelihood` (bernoulli if none is named)" in shown
    assert "`corruption` with `corrupts: input` or `corrupts: data`" in shown
    assert main(["list", "likelihoods"]) == 0
    assert "alpha (required)" in capsys.readouterr().out


@pytest.mark.parametrize("kind", sorted(KINDS - {"grids"}))
def test_every_entry_has_a_line_and_a_source(kind: str) -> None:
    for entry in catalogue(kind)[kind]:
        assert entry["summary"], entry["name"]
        assert entry["reference"], entry["name"]


def test_a_grid_says_what_it_is_in_a_sentence_or_two() -> None:
    for entry in catalogue("grids")["grids"]:
        assert entry["summary"].endswith((".", "?")), entry["name"]
        assert len(entry["summary"]) <= 320, entry["name"]


def test_fields_tell_type_default_and_bounds() -> None:
    (gaussian,) = [e for e in catalogue("likelihoods")["likelihoods"] if e["name"] == "gaussian"]
    assert gaussian["fields"] == [
        {
            "name": "sigma",
            "type": "number",
            "default": None,
            "required": True,
            "bounds": "> 0",
            "meaning": "σ > 0, in data units.",
        }
    ]
    (conv,) = [e for e in catalogue("networks")["networks"] if e["name"] == "conv"]
    types = {field["name"]: field["type"] for field in conv["fields"]}
    assert types["channels"] == "list of whole numbers"
    assert types["share_encoder"] == "true or false"


@pytest.mark.parametrize("kind", sorted(KINDS - {"grids", "models", "searches"}))
def test_every_field_says_what_it_means(kind: str) -> None:
    unsaid = [
        f"{entry['name']}.{field['name']}"
        for entry in catalogue(kind)[kind]
        for field in entry["fields"]
        if not field["meaning"]
    ]
    assert unsaid == []


def test_one_entry_shows_what_its_fields_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "models", "sigma_vae"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^sigma +σ > 0, in data units\. *$", shown, re.MULTILINE)
    assert re.search(r"^k +latent samples of each view\. *$", shown, re.MULTILINE)


def test_list_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= KINDS


def test_list_prints_names_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "models"]) == 0
    out = capsys.readouterr().out
    assert "sigma_vae" in out
    assert "arXiv:2005.09047" in out


def test_an_unknown_kind_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "model"]) == 2
    assert "there is no kind 'model'; did you mean 'models'?" in capsys.readouterr().err


def test_one_model_shows_the_fields_of_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "models", "sigma_vae"]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines() if "required" in line] == ["sigma"]
    assert "beta" in shown
    assert shown.rstrip().endswith("example  trials: [{model: sigma_vae, sigma: 0.1}]")


def test_every_entry_has_an_example() -> None:
    for kind, entries in catalogue().items():
        for entry in entries:
            assert entry["name"] in entry_of(kind, entry["name"])["example"]


def test_the_examples_of_models_are_grids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line, with a data set and a network, is one that a grid may hold."""
    monkeypatch.chdir(tmp_path)
    fitting = {"autoencoder": "mlp", "energy": "quadratic"}
    for name, model in known_models().items():
        example = parse(entry_of("models", name)["example"], "example").values
        block = {"network": fitting[model.declared.network], "epochs": 1, **example["trials"][0]}
        sweep = load({"experiment": "e", "data": {"name": "digits"}, "trials": [block]})
        assert {trial.params["model"] for trial in sweep.trials} == {name}


def test_the_examples_of_evaluations_are_what_a_grid_may_ask() -> None:
    """Their fields are all there, with their defaults."""
    found = catalogue("evaluations")["evaluations"]
    assert found
    for entry in found:
        example = entry_of("evaluations", entry["name"])["example"]
        document = parse(example, "example")
        [asked] = read_evaluations(document, ("evaluate",), document.values["evaluate"])
        assert asked.evaluator == EVALUATIONS[entry["name"]]()


def test_an_unknown_name_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "models", "sigma_vea"]) == 2
    assert "sigma_vae" in capsys.readouterr().err


def test_a_shipped_grid_is_shown_as_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed can be saved, changed and planned as a grid of one's own."""
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["list", "grids", "digits"]) == 0
    printed = capsys.readouterr().out
    mine = tmp_path / "mine.yaml"
    mine.write_text(printed, encoding="utf-8")
    assert printed == entry_of("grids", "digits")["text"]
    assert load(mine).trials == load("digits").trials


def test_the_overview_has_a_line_for_each_grid_model_and_data_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A grid's small sibling stands in its line; other kinds are one line of names and a count."""
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = catalogue()
    assert len(lines) < 50
    own = {line[2:].split()[0].rstrip(",") for line in lines if re.match("  [a-z]", line)}
    listed = {entry["name"] for kind in ("grids", "models", "datasets") for entry in found[kind]}
    small = {f"{name}-small" for name in listed}
    assert own == listed - small
    [searches] = [line for line in lines if line.startswith("searches")]
    names = ", ".join(entry["name"] for entry in found["searches"])
    assert re.split(r"  +", searches.strip()) == [f"searches ({len(found['searches'])})", names]
