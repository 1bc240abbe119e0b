"""The report: numbers that agree with the tests, text that cannot act, sentences for bad data."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import report
from analysis.figures.drawing.view import look
from analysis.laws.powerlaw import Law, fit
from analysis.laws.sentences import law_doubts
from analysis.report import ReportSettings
from analysis.report.csv_text import csv_text
from analysis.report.json_text import embedded_json
from analysis.report.parts import provenance
from analysis.sources import load
from analysis.sources.paths import grid_file
from analysis.sources.schema import Experiment
from analysis.statistics.multiplicity import places
from tests.analysis import storage_fixture as planted

LAW = Law("sigma", "test/kl", (0.03, 0.27))
SETTINGS = ReportSettings(law=LAW, margin=0.1)


class Page(HTMLParser):
    """Collects what a browser would act on: tags with their attributes, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    storage = planted.write(tmp_path_factory.mktemp("storage"), planted.digits_experiment())
    return load.from_storage(storage, "imaginary-noise")


@pytest.fixture(scope="module")
def folder(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report.write(experiment, tmp_path_factory.mktemp("report"), SETTINGS).parent


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_the_page_needs_no_network(page: Page) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "href", "action"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:")), f"{tag} {name} leaves the page: {target}"
    policy = page.all("meta")[1]["content"] or ""
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_text_from_grids_and_runs_is_shown_and_not_run(page: Page, folder: Path) -> None:
    source = (folder / "index.html").read_text(encoding="utf-8")
    assert "<b>bold</b>" not in source
    assert "<script>alert" not in source
    assert any("<b>bold</b>" in text for text in page.text)


def test_no_csv_cell_is_a_formula(folder: Path) -> None:
    tables = sorted(folder.glob("*.csv"))
    assert len(tables) >= 10
    for path in tables:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                assert not any(re.match(r"[=+@\t\r]|-(?![\d.])", cell) for cell in row), path


def test_csv_keeps_numbers_and_quotes_formulas() -> None:
    frame = pd.DataFrame({"x": [-1.5, 2.0], "label": ["=1+1", "-2"], "n": [1, -1]})
    rows = list(csv.reader(io.StringIO(csv_text(frame))))
    assert rows == [["x", "label", "n"], ["-1.5", "'=1+1", "1"], ["2", "'-2", "-1"]]


def test_every_download_holds_the_file_beside_the_page(page: Page, folder: Path) -> None:
    links = [link for link in page.all("a") if "download" in link]
    assert len(links) >= 10
    for link in links:
        data = base64.b64decode((link["href"] or "").partition("base64,")[2])
        assert data.decode("utf-8") == (folder / str(link["download"])).read_text("utf-8")


def test_the_numbers_are_those_of_the_fit(experiment: Experiment, folder: Path) -> None:
    numbers = json.loads((folder / "report.json").read_text("utf-8"))
    law = fit(experiment.trials, replace(LAW, where={"model": "sigma_vae"}))
    first = numbers["laws"][0]
    assert first["family"] == "σ-VAE"
    assert (first["nu"], first["alone"]["low"], first["n"]) == (law.nu, law.ci_low, 27)
    assert first["ci_low"] == law.exponent.simultaneous(2).low, "the α-VAE has a law, too"
    assert numbers["trials"] == {"finished": 41, "failed": 2, "pending": 1}
    assert {row["label"] for row in numbers["failed"]} >= {"sigma_vae sigma=0.3 beta=1.0 seed=79"}
    assert numbers["summary"] == report.summary(experiment, SETTINGS)


def test_an_experiment_as_it_is_loaded_gets_its_verdicts_on_training(
    experiment: Experiment,
) -> None:
    """A frame that was loaded has an empty column for them."""
    assert set(experiment.trials["training"]) == {None}
    assert set(look(experiment, None, 0.1, None).finished["training"]) == {"converged"}


def test_the_summary_states_the_law_and_what_is_left_out(experiment: Experiment) -> None:
    said = " ".join(report.summary(experiment, SETTINGS))
    declared = replace(LAW, where={"model": "sigma_vae"})
    law = fit(experiment.trials, declared, history=experiment.history)
    assert law.placed(places([law.p, law.p])[0]).sentences()[0] in said
    assert "2 tests are one family (Holm): 2 laws." in said
    assert "A bend is not established" in said
    assert "2 trials failed" in said
    assert "matched-seed twins that stay out of every law" in said


def test_the_summary_says_when_the_law_bends(tmp_path: Path) -> None:
    bent = [
        replace(one, drift=float(np.exp(-0.5 * np.log(one.params["sigma"] / 0.1) ** 2)))
        for one in planted.sigma_trials(3)
    ]
    loaded = load.from_storage(planted.write(tmp_path, bent), "imaginary-noise")
    assert any("rejected in favour of a bend" in text for text in report.summary(loaded))


def test_the_summary_says_what_speaks_against_a_law(tmp_path: Path) -> None:
    """A step at σ = 0.15 and a missing trial: lack of fit and a note, not only in the table."""
    rough = [
        replace(one, drift=1.4 if abs(one.params["sigma"] - 0.15) < 0.01 else 1.0)
        for one in planted.sigma_trials(5)
    ]
    loaded = load.from_storage(planted.write(tmp_path, rough[1:]), "imaginary-noise")
    law = fit(loaded.trials, replace(LAW, where={"model": "sigma_vae"}))
    doubts = law_doubts(law)
    assert [text.split()[0] for text in doubts] == ["Lack", "ν", "Note:"]
    said = report.summary(loaded)
    lack, *others = doubts
    assert f"σ-VAE: {lack}" in said
    assert f"σ-VAE: {' '.join(others)}" in said
    page = report.write(loaded, tmp_path / "out").read_text("utf-8")
    top, _, summary = page.partition('id="summary"')
    assert "its points leave the line by more than seeds scatter" in top
    assert "; lack of fit" in top
    assert "ν moves most without" in summary.partition("</ul>")[0]
    assert "Hotelling&#39;s F" in summary, "the test itself is unfolded with the law"


def test_no_sentence_of_the_summary_stands_twice(folder: Path) -> None:
    """Not in the answer and the list, nor in the list and in the page's tables and captions."""
    numbers = json.loads((folder / "report.json").read_text("utf-8"))
    source = (folder / "index.html").read_text("utf-8")
    plain = unescape(re.sub(r"<script.*?</script>|<[^>]+>", "", source, flags=re.DOTALL))
    listed = re.findall(r"<li[^>]*>(?!<a)(.*?)</li>", source, re.DOTALL)
    said = [unescape(re.sub(r"<[^>]+>", "", text)) for text in listed]
    assert said
    assert len({*said}) == len(said)
    assert all(plain.count(text) == 1 for text in said)
    assert numbers["answer"].replace("^", "") not in said
    assert plain.count(numbers["answer"].replace("^", "")) == 1
    assert {*numbers["brief"]} < {*numbers["summary"]}


def test_the_exact_sentences_of_a_law_are_unfolded_with_it(folder: Path) -> None:
    """The page opens with the rounded law; its tests in full are one click away."""
    [law, _] = json.loads((folder / "report.json").read_text("utf-8"))["laws"]
    source = (folder / "index.html").read_text("utf-8")
    exact = law["sentence"].partition("with ")[2].partition("; ")[0]
    assert "t interval of per-seed slopes of 3 seeds" in exact
    assert source.count(exact) == 1
    folded = source.partition("<summary>All laws and their tests</summary>")[2]
    assert exact in folded.partition("Every test in words")[2].partition("</details>")[0]


def test_collapse_is_a_warning(tmp_path: Path) -> None:
    trials = [
        *planted.sigma_trials(2),
        *(
            planted.Planted(planted.params("sigma_vae", seed, sigma=2.0), drift=1e-4)
            for seed in (0, 1)
        ),
    ]
    loaded = load.from_storage(planted.write(tmp_path, trials), "imaginary-noise")
    said = " ".join(report.summary(loaded, SETTINGS))
    assert "that of a deep one need not: the measured KL is" in said
    assert "nats/example at σ = 2." in said
    assert "has collapsed (KL below 0.01 nats/example) in 2 trials" in said


def kept(name: str) -> list[planted.Planted]:
    """Experiments that give no law, each for another reason."""
    one = planted.Planted(planted.params("sigma_vae", 0, sigma=0.1))
    trials = list(planted.sigma_trials(2))
    return {
        "one σ only": [one, replace(one, params=one.params | {"seed": 1})],
        "one trial": [one],
        "all failed": [replace(trial, status="failed", reason="NaN") for trial in trials],
        "all pending": [replace(trial, status="pending") for trial in trials],
        "zero KL": [replace(trial, drift=0.0) for trial in trials],
        "negative KL": [replace(trial, drift=-1.0) for trial in trials],
        "NaN KL": [replace(trial, drift=float("nan")) for trial in trials],
        "one model without KL": [*trials, replace(one, drift=float("nan"))],
    }[name]


@pytest.mark.parametrize(
    ("law", "why"),
    [
        (Law("sigma", "test/klx"), "no trial has 'test/klx'; did you mean 'test/kl'?"),
        (Law("d_z", "test/kl"), "a law needs at least three values of d_z"),
        (Law("sigma", "test/kl", where={"model": "vae"}), "no trial has model=vae"),
    ],
)
def test_a_declared_law_that_no_trials_are_about_is_missed(
    law: Law, why: str, experiment: Experiment
) -> None:
    said = report.summary(experiment, replace(SETTINGS, law=law))
    (missed,) = [text for text in said if text.startswith("No law of ")]
    assert "which is the declared one: " in missed
    assert why in missed


def test_an_infinite_metric_is_a_missing_one(experiment: Experiment, tmp_path: Path) -> None:
    trials = experiment.trials
    wild = replace(
        experiment, trials=trials.assign(**{name: np.inf for name in trials if "/" in name})
    )
    assert report.write(wild, tmp_path, SETTINGS).is_file()
    assert any(text.startswith("No law") for text in report.summary(wild, SETTINGS))


@pytest.mark.parametrize(
    "name",
    ["one σ only", "one trial", "all failed", "all pending", "zero KL", "negative KL", "NaN KL"],
)
def test_without_a_law_there_is_a_sentence(name: str, tmp_path: Path) -> None:
    storage = planted.write(tmp_path / "storage", kept(name))
    loaded = load.from_storage(storage, "imaginary-noise")
    path = report.write(loaded, tmp_path / "report", SETTINGS)
    said = report.summary(loaded, SETTINGS)
    page = path.read_text("utf-8")
    if name == "all pending":
        assert [text for text in said if "law" in text] == said[:1]
        assert said[0].startswith("No trial of 18 has finished yet: ")
        assert said[0] in page
        return
    assert any(text.startswith(("No law", "σ-VAE: No law")) for text in said)
    assert any("No law is fitted: no group of finished trials" in text for text in said) == (
        name == "all failed"
    )
    assert "No law" in page


def test_a_scale_without_a_logarithm_is_in_no_law_and_said_to_be(tmp_path: Path) -> None:
    loaded = load.from_storage(
        planted.write(tmp_path / "s", list(planted.sigma_trials(2))), "imaginary-noise"
    )
    trials = loaded.trials
    zero = trials.assign(sigma=trials["sigma"].where(trials["sigma"] > 0.04, 0.0))
    found = replace(loaded, trials=zero)
    said = report.summary(found)
    assert any(
        text.startswith(
            "2 finished trials with a noise level of zero or less are in no law and no figure"
        )
        for text in said
    )
    declared = replace(LAW, range=(0.04, 0.3), where={"model": "sigma_vae"})
    law = fit(trials, declared, history=loaded.history)
    assert any(law.sentences()[0] in text for text in said)
    assert report.write(found, tmp_path / "report").is_file()


@pytest.mark.parametrize(
    ("x", "where"), [("network", {}), ("network", {"model": "sigma_vae"}), ("seed", {})]
)
def test_a_law_over_what_is_no_size_has_a_sentence(
    x: str, where: dict[str, Any], tmp_path: Path
) -> None:
    loaded = load.from_storage(
        planted.write(tmp_path / "s", list(planted.sigma_trials(2))), "imaginary-noise"
    )
    names = [f"net{i}" for i in range(len(loaded.trials))]
    same = loaded.trials.assign(
        sigma=0.1,
        network="conv" if x == "seed" else names,
        seed=range(len(names)) if x == "seed" else 0,
    )
    path = report.write(
        replace(loaded, trials=same),
        tmp_path / "report",
        replace(SETTINGS, law=Law(x, "test/kl", where=where)),
    )
    assert "No law for this: a law" in path.read_text("utf-8")
    told = json.loads(path.with_name("report.json").read_text("utf-8"))
    assert told["answer"].startswith("No law for this: a law"), "what the grid asks comes first"
    assert not [text for text in told["brief"] if told["answer"] in text], "and is not repeated"


def test_an_experiment_without_trials(experiment: Experiment, tmp_path: Path) -> None:
    nothing = replace(
        experiment,
        trials=experiment.trials.iloc[:0],
        sweeps=[],
        spectra={},
        history=experiment.history.iloc[:0],
    )
    path = report.write(nothing, tmp_path)
    assert "has no trials yet" in path.read_text("utf-8")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["laws"] == []


def test_a_frame_without_columns(tmp_path: Path) -> None:
    bare = Experiment(name="bare", trials=pd.DataFrame(), history=pd.DataFrame())
    assert report.write(bare, tmp_path).exists()


@pytest.mark.parametrize(
    ("server", "begins"),
    [
        ("https://mlflow.example.org/", "https://mlflow.example.org/#/experiments/7/runs/run"),
        ("javascript:alert(1)", "no link"),
    ],
)
def test_points_link_to_runs_of_an_http_server_only(
    server: str, begins: str, experiment: Experiment, tmp_path: Path
) -> None:
    trials = experiment.trials.assign(run_id=[f"run{k}" for k in range(len(experiment.trials))])
    settings = replace(SETTINGS, server=server, experiment_id="7")
    path = report.write(replace(experiment, trials=trials), tmp_path, settings)
    data = re.findall(r'<script type="application/json">(.*?)</script>', path.read_text("utf-8"))
    embedded = [json.loads(text) for text in data]
    links = [
        link
        for one in embedded
        for trace in one.get("data", [])
        for link in trace.get("customdata", [])
        if link
    ]
    assert bool(links) is (begins != "no link")
    table = next(one for one in embedded if "rows" in one)
    assert len(table["rows"]) == len(trials)
    links += [row["link"] for row in table["rows"] if row["link"]]
    named = [row["run"] for row in table["rows"] if row["run"]]
    assert set(named) == (set(trials["run_id"]) if begins == "no link" else set())
    assert all(link.startswith(begins) for link in links)


def test_embedded_json_cannot_end_its_element() -> None:
    text = embedded_json({"label": "</script><script>alert(1)</script>\u2028"})
    assert "<" not in text
    assert json.loads(text)["label"] == "</script><script>alert(1)</script>\u2028"


def test_provenance_has_the_reproduce_line_and_no_password(experiment: Experiment) -> None:
    sweep = experiment.sweeps[0] | {"tracking_uri": "postgresql://me:secret@db:5432/mlflow"}
    changed = replace(experiment, sweeps=[sweep])
    known = provenance.facts(changed)
    assert known["tracking"] == "postgresql://me:***@db:5432/mlflow"
    assert known["commit"] == "0123456789abcdef with uncommitted changes"
    lines = provenance.reproduce(changed)
    assert lines[0] == "git checkout 0123456789abcdef  # in sweeper's own repository"
    assert lines[1].startswith("sweeper run ")
    assert "imaginary-noise/20250101-abcdef/grid.yaml --storage again" in lines[1]
    theirs = sweep["provenance"] | {"project": {"commit": "fedcba", "dirty": True}}
    lines = provenance.reproduce(replace(changed, sweeps=[sweep | {"provenance": theirs}]))
    assert lines[1] == "git checkout fedcba  # the files had changes that this commit lacks"
    assert lines[2].startswith("sweeper run ")


@pytest.mark.parametrize(
    ("named", "dirty", "run"),
    [
        ("grids/mine.yaml", False, "sweeper run grids/mine.yaml {again}  # a copy is {stored}"),
        ("grids/mine.yaml", True, "sweeper run {stored} {again}  # a copy of grids/mine.yaml"),
        ("digits", True, "sweeper run digits {again}  # a copy is {stored}"),
        ("", False, "sweeper run {stored} {again}"),
    ],
)
def test_the_reproduce_line_names_the_users_repository_and_grid(
    named: str, dirty: bool, run: str, experiment: Experiment
) -> None:
    project = {"commit": "fedcba", "dirty": dirty, "origin": "https://example.org/theirs.git"}
    before = experiment.sweeps[0]
    sweep = before | {"provenance": {"project": project}, "grid_file": named}
    checkout, last = provenance.reproduce(replace(experiment, sweeps=[sweep]))
    assert checkout.startswith("git checkout fedcba  # of https://example.org/theirs.git")
    stored = grid_file(experiment.source, before["experiment"], before["sweep"])
    again = "--storage again --tracking sqlite:///again.db"  # all are finished in this one
    assert last == run.format(stored=stored, again=again)


@pytest.mark.parametrize(
    ("storage", "folder"),
    [
        ("/old/my project/sweeps", "'/old/my project'"),
        ("/new/place/sweeps", "/new/place"),  # the project was moved
        ("sweeps", None),
    ],
)
def test_the_reproduce_line_is_for_the_folder_of_the_grids_relative_paths(
    storage: str, folder: str | None, experiment: Experiment
) -> None:
    home = {"folder": "/old/my project", "storage": "/old/my project/sweeps"}
    sweeps = [experiment.sweeps[0] | {"home": home, "sweep": name} for name in ("a-1", "b-2")]
    lines = provenance.reproduce(replace(experiment, sweeps=sweeps, source=storage))
    runs = [line.partition(" ")[0] for line in lines]
    assert runs == ["git", *(["cd"] if folder else []), "sweeper", "sweeper"]
    assert folder is None or lines[1] == f"cd {folder}"


def test_images_are_in_the_page(page: Page) -> None:
    images = page.all("img")
    assert len(images) == 3 * (len(planted.SIGMAS) + len(planted.ALPHAS))
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in images)
    assert [dial["max"] for dial in page.all("input") if "max" in dial] == ["8", "3"]


def test_a_second_report_replaces_the_first(experiment: Experiment, tmp_path: Path) -> None:
    first = report.write(experiment, tmp_path, SETTINGS)
    again = report.write(experiment, tmp_path, replace(SETTINGS, title="<i>second</i>"))
    assert first == again
    assert "&lt;i&gt;second&lt;/i&gt;" in again.read_text("utf-8")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_thousand_trials_fit_into_fifteen_megabytes(tmp_path: Path) -> None:
    storage = planted.write(tmp_path / "storage", planted.many_trials(1000))
    path = report.write(load.from_storage(storage, "imaginary-noise"), tmp_path / "out", SETTINGS)
    assert path.stat().st_size < 15_000_000
