"""The shipped grids say what the papers did, also where their data sets are not installed."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import published
from analysis.published.cells import cells
from analysis.published.replication import values_beside
from analysis.sources.frames import param_value
from sweeper.errors import UserError
from sweeper.grid.document import read
from sweeper.grid.expand import expand
from sweeper.grid.grid_files import shipped_grids
from sweeper.grid.loading import load
from sweeper.grid.resolve import resolve
from sweeper.grid.schema import check_grid
from sweeper.sweep import PlannedTrial
from trainers.corruptions.salt_and_pepper import SaltAndPepper
from trainers.datasets import DATASETS
from trainers.datasets.frey_face import SPLIT
from trainers.evaluations import classification, smoothing
from trainers.trial import Trial

FULL = (
    "saremi-sigma",
    "saremi-alpha",
    "saremi-robustness",
    "uvb-mnist",
    "uvb-cifar10",
    "dvae-mnist",
    "dvae-frey",
)
COUNTS = {
    "digits": 33,
    "zoo-small": 11,
    "saremi-sigma": 9 * 5 + 2,
    "saremi-sigma-small": 9 * 3 + 2,
    "saremi-alpha": 9 * 5 + 2,
    "saremi-alpha-small": 9 * 3 + 2,
    "saremi-robustness": (9 + 3 + 1 + 3) * 3,
    "saremi-robustness-small": 4,
    "uvb-mnist": (8 + 8 + 1 + 1) * 3,
    "uvb-mnist-small": 3 * 2,
    "uvb-cifar10": (8 + 8) * 3,
    "uvb-cifar10-small": 2 * 2,
    "dvae-mnist": (2 * 2 * 4 + 2 * 4 + 2 + 2 + 4 + 4 + 1 + 1 + 1) * 10,
    "dvae-mnist-small": 3 * 3,
    "dvae-frey": (2 * 2 * 3 + 2 * 2 + 2 * 3 + 2) * 10,
    "dvae-frey-small": 3 * 3,
}

D = ("dvae-mnist", "dvae-frey")
CERTIFY = {"smoothing", "smoothing_xhat"}
NONLINEARITY = {"dvae": "softplus", "bernoulli_vae": "softplus", "diwae": "tanh", "iwae": "tanh"}

Expanded = Callable[[str], tuple[PlannedTrial, ...]]


@pytest.fixture
def expanded(monkeypatch: pytest.MonkeyPatch) -> Expanded:
    """Resolve a shipped grid with a checksum that is made up: no data set is read."""
    for name in DATASETS:
        monkeypatch.setattr(DATASETS[name], "checksum", lambda data: f"checksum of {data!r}")
        monkeypatch.setattr(DATASETS[name], "load", _no_data)
    for evaluation in (classification, smoothing):
        monkeypatch.setattr(evaluation, "require_labels", lambda data: None)
    return _resolved


@functools.cache
def _resolved(name: str) -> tuple[PlannedTrial, ...]:
    document = read(shipped_grids()[name])
    return resolve(document, expand(document, check_grid(document)))


def _no_data(data: object) -> None:
    raise AssertionError(f"{data} was read")


def test_all_grids_are_counted() -> None:
    assert set(COUNTS) == set(shipped_grids())


@pytest.mark.parametrize("name", COUNTS)
def test_a_grid_expands_without_its_data(name: str, expanded: Expanded) -> None:
    trials = expanded(name)
    assert len(trials) == len({trial.id for trial in trials}) == COUNTS[name]
    for trial in trials:
        assert Trial.from_config(trial.trial.config()) == trial.trial
        assert trial.data["dims"] == math.prod(trial.trial.data.shape)


@pytest.mark.parametrize("name", FULL)
def test_a_full_grid_has_a_small_sibling_of_the_same_models(name: str, expanded: Expanded) -> None:
    def models(trials: tuple[PlannedTrial, ...]) -> set[str]:
        return {trial.params["model"] for trial in trials}

    full, small = expanded(name), expanded(f"{name}-small")
    assert models(small) <= models(full)
    assert max(trial.parameters for trial in small) < max(trial.parameters for trial in full)
    text = shipped_grids()[f"{name}-small"].read_text(encoding="utf-8")
    assert "# Smaller: " in text
    assert "on a laptop" in text


@pytest.mark.parametrize("name", COUNTS)
def test_the_first_line_is_what_a_list_shows(name: str) -> None:
    first = shipped_grids()[name].read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith((".", "?"))


def settings(trial: PlannedTrial) -> tuple[object, ...]:
    return tuple(trial.params[key] for key in ("epochs", "batch_size", "lr"))


@pytest.mark.parametrize("name", FULL)
def test_a_full_grid_evaluates_on_all_test_examples(name: str, expanded: Expanded) -> None:
    """Certificates alone are of fewer: of 500, as in Cohen et al. 2019."""
    asked = [one for trial in expanded(name) for one in trial.evaluate]
    assert {one.name for one in asked if getattr(one, "examples", 0)} <= CERTIFY
    assert asked


@pytest.mark.parametrize("name", sorted(CERTIFY))
def test_certificates_are_made_as_by_cohen_et_al(name: str, expanded: Expanded) -> None:
    """n0 = 100, n = 100,000 and α = 0.001; σ = 0.7 and radii from 0.5 to 1.5 are Saremi's."""
    asked = {
        one
        for trial in expanded("saremi-robustness")
        for one in trial.evaluate
        if one.name == name
    }
    assert len(asked) == 1
    one = asked.pop()
    assert (one.n0, one.n, one.alpha, one.sigma) == (100, 100_000, 0.001, 0.7)
    assert (one.radii[0], one.radii[-1]) == (0.5, 1.5)


@pytest.mark.parametrize("name", ["saremi-sigma", "saremi-alpha", "saremi-robustness"])
def test_the_imaginary_noise_grids_train_as_the_paper_does(name: str, expanded: Expanded) -> None:
    for trial in expanded(name):
        assert settings(trial) == (100, 16, 1e-4)
        assert trial.data["shape"] == [1, 28, 28]
        expected = 26.3e6 if trial.params["model"] == "deen" else 26.8e6
        assert trial.parameters == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize(
    ("name", "sigma", "alpha"),
    [("saremi-robustness", 0.9, {0.1, 0.4, 0.9}), ("saremi-robustness-small", 0.9, {0.9})],
)
def test_the_denoisers_of_the_robustness_figures_are_trained_at_0_9(
    name: str, sigma: float, alpha: set[float], expanded: Expanded
) -> None:
    """[S1] Fig. 2 and 3 take σ = α = 0.9; the 0.4 of Fig. 2f is the level of the test noise."""
    trials = expanded(name)
    assert sigma in {trial.params.get("sigma") for trial in trials}
    assert {
        trial.params["alpha"] for trial in trials if trial.params["model"] == "alpha_vae"
    } == alpha


@pytest.mark.parametrize(("name", "scale"), [("saremi-sigma", "sigma"), ("saremi-alpha", "alpha")])
def test_the_laws_span_the_paper_s_scales(name: str, scale: str, expanded: Expanded) -> None:
    rows = [trial for trial in expanded(name) if trial.role == "declared"]
    found = Counter(round(trial.params[scale], 9) for trial in rows)
    assert found == {round(0.1 * step, 9): 5 for step in range(1, 10)}
    assert sum(trial.role == "twin" for trial in expanded(name)) == 2


@pytest.mark.parametrize(
    ("name", "table"), [("saremi-sigma", "s1_table1"), ("saremi-alpha", "s1_table3")]
)
def test_the_published_settings_are_those_of_the_paper_s_grid(
    name: str, table: str, expanded: Expanded
) -> None:
    first = next(trial for trial in expanded(name) if trial.params["beta"] == 1)
    ours = {key: param_value(value) for key, value in first.params.items()}
    theirs = published.about(table).settings
    assert {key: ours[key] for key in theirs if key in ours} == {
        key: value for key, value in theirs.items() if key != "nonlinearity"
    }
    said_by_model = {"seed", "likelihood", "objective", "sigma", "alpha"}
    assert {*ours} - said_by_model == {*theirs} - {"nonlinearity"}


@pytest.mark.parametrize(
    ("name", "uvb", "deen"), [("uvb-mnist", 2.7e7, 2.6e7), ("uvb-cifar10", 4.1e7, 3.6e7)]
)
def test_the_uvb_grids_have_the_paper_s_sizes(
    name: str, uvb: float, deen: float, expanded: Expanded
) -> None:
    sizes = {"uvb": uvb, "deen": deen}
    for trial in expanded(name):
        assert settings(trial) == (400, 128, 1e-4)
        if trial.params["model"] in sizes:
            assert trial.parameters == pytest.approx(sizes[trial.params["model"]], rel=0.02)
    sigmas = {trial.params["sigma"] for trial in expanded(name)}
    assert sorted(sigmas) == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


def test_the_denoising_grid_has_the_rows_of_table_1(expanded: Expanded) -> None:
    rows = Counter(
        (
            trial.params["model"],
            trial.params["k"],
            len(trial.params["hidden"]),
            trial.params["corruption_p"],
        )
        for trial in expanded("dvae-mnist")
        if trial.params["network"] == "mlp"
        and trial.params.get("m") == 1
        and trial.params.get("corruption") == "salt_and_pepper"
    )
    kinds = [("dvae", 1), ("dvae", 5), ("diwae", 5)]
    assert rows == {
        (*kind, layers, p): 10
        for kind in kinds
        for layers in (1, 2)
        for p in (0, 0.05, 0.10, 0.15)
    }


@pytest.mark.parametrize("name", D)
def test_the_denoising_grids_train_as_the_paper_does(name: str, expanded: Expanded) -> None:
    """Im et al. 2017, Sec. 5: batches of 100, 50 latents, layers of 200 units; K and M."""
    trials = expanded(name)
    for trial in trials:
        network, objective = trial.trial.network, trial.trial.objective
        assert trial.trial.training.batch_size == 100
        assert (network.d_z, network.decoder_hidden) == (50, (200, 200))
        assert network.nonlinearity == NONLINEARITY[trial.params["model"]]
        assert getattr(network, "hidden", None) in ((200,), (200, 200), None)
        assert (objective.k, objective.m) in {(1, 1), (5, 1), (5, 5), (5, 10)}
    found = {(trial.trial.objective.k, trial.trial.objective.m) for trial in trials}
    assert found == {(1, 1), (5, 1)} | ({(5, 5), (5, 10)} if name == "dvae-mnist" else set())


def test_the_denoising_grid_sets_10000_images_apart(expanded: Expanded) -> None:
    for trial in expanded("dvae-mnist"):
        data = trial.trial.data
        assert (data.name, data.validation) == ("binarized_mnist", 10_000)
        assert trial.trial.likelihood.name == "bernoulli"


def test_the_recurrent_rows_are_those_of_table_3(expanded: Expanded) -> None:
    """One recurrent layer of five time steps, at four noise levels; DVAE with K = 1."""
    trials = [trial for trial in expanded("dvae-mnist") if trial.params["network"] == "gru"]
    assert all(
        (trial.trial.network.units, trial.trial.network.steps) == (200, 5) for trial in trials
    )
    rows = Counter(
        (trial.params["model"], trial.trial.objective.k, trial.params["corruption_p"])
        for trial in trials
    )
    assert rows == {
        (*kind, p): 10 for kind in [("dvae", 1), ("diwae", 5)] for p in (0, 0.05, 0.10, 0.15)
    }


def test_the_frey_grid_has_the_rows_of_table_2(expanded: Expanded) -> None:
    """A Gaussian decoder with learned variance, at three levels of noise and without."""
    trials = expanded("dvae-frey")
    assert {(trial.trial.data.name, trial.trial.likelihood.name) for trial in trials} == {
        ("frey_face", "gaussian_learned")
    }
    assert SPLIT == (1572, 193, 200)
    rows = Counter(
        (
            trial.params["model"],
            trial.trial.objective.k,
            len(trial.trial.network.hidden),
            getattr(trial.trial.corruption, "sigma", 0.0),
        )
        for trial in trials
    )
    kinds = [("dvae", 1), ("dvae", 5), ("diwae", 5)]
    assert rows == {
        (*kind, layers, sigma): 10
        for kind in kinds
        for layers in (1, 2)
        for sigma in (0.0, 0.025, 0.05, 0.075)
    }
    corruptions = [trial.trial.corruption for trial in trials]
    quiet = [one for one in corruptions if not hasattr(one, "sigma")]
    assert quiet == [SaltAndPepper(p=0.0)] * 60


TABLES = {
    "saremi-sigma": ("s1_table1", "s1_table2"),
    "saremi-alpha": ("s1_table3", "s1_table4"),
    "uvb-mnist": ("s2_table1", "s2_table2", "s2_remark4", "s2_table4", "s2_table5"),
    "uvb-cifar10": ("s2_table1", "s2_table3"),
    "dvae-mnist": ("d_table1", "d_table3", "d_figure1", "d_augmentation"),
    "dvae-frey": ("d_table2",),
}


@pytest.mark.parametrize(
    ("grid", "name"), [(grid, name) for grid, names in TABLES.items() for name in names]
)
def test_every_published_number_is_of_one_point_of_the_paper_s_grid(
    grid: str, name: str, expanded: Expanded
) -> None:
    """Trials with the published values, seed noise added, stand beside them without a fault."""
    rows = [
        trial.params | {"status": "finished", "role": trial.role, "parameters": trial.parameters}
        for trial in expanded(grid)
    ]
    frame = pd.DataFrame([{key: param_value(value) for key, value in row.items()} for row in rows])
    mine = [one for one in cells(name) if one.where["data"] in set(frame["data"])]
    assert mine
    columns = {column for cell in mine if not cell.exact for column in cell.columns}
    planted = frame.assign(**dict.fromkeys(columns, -2.0 - frame["seed"] % 2))
    frames = {cell.exact: frame if cell.exact else planted for cell in mine}
    beside = {exact: values_beside(one, name) for exact, one in frames.items()}
    chosen = {"lr"} if name.startswith("d_") else set()  # by the paper, on the validation part
    for cell in mine:
        (found,) = [one for one in beside[cell.exact] if one.quantity == cell.name]
        assert found.paper == cell.value
        assert found.differs.keys() == chosen
        assert found.same_digits or not cell.exact
        said = "not tested: the published number cannot be what its label says" in found.sentence()
        assert said == (name == "s2_table5")
        assert math.isnan(found.p) == (cell.exact or said)
        assert math.isnan(found.p) or found.difference.df == pytest.approx(found.ours.df, rel=1.0)
    longer = [frame.assign(batch_size=50, **dict.fromkeys(mine[0].columns, 1.0)), name]
    assert cell.exact or values_beside(*longer)[0].differs.keys() == {"batch_size"} | chosen


def test_a_smaller_network_differs_from_the_published_one_in_all_its_layers(
    expanded: Expanded,
) -> None:
    """The decoder's hidden layer too, which is a field of its own where `decoder` is a kind."""
    rows = [
        {key: param_value(value) for key, value in trial.params.items()}
        | {"status": "finished", "role": trial.role, "test/kl": 1.0, "test/denoise_one": 1.0}
        for trial in expanded("uvb-mnist-small")
    ]
    found = {one.quantity: one.differs for one in values_beside(pd.DataFrame(rows), "s2_table4")}
    (uvb,) = [differs for name, differs in found.items() if "UVB" in name.rpartition(", ")[2]]
    (noisy,) = [differs for name, differs in found.items() if "VAE on" in name.rpartition(", ")[2]]
    assert (uvb["network_decoder"], noisy["decoder"]) == ((400, 2000), (400, 2000))
    assert "decoder" not in uvb


def test_every_published_table_has_a_grid() -> None:
    assert {name for names in TABLES.values() for name in names} == {*published.names()}


def test_uvb_and_deen_of_a_small_grid_have_about_equal_sizes(expanded: Expanded) -> None:
    for name in ("uvb-mnist-small", "uvb-cifar10-small"):
        sizes = {trial.params["model"]: trial.parameters for trial in expanded(name)}
        assert sizes["uvb"] == pytest.approx(sizes["deen"], rel=0.1)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (
            "dvae-frey-small",
            "put frey_rawface.mat (from the web page of Sam Roweis) into the folder",
        ),
        ("uvb-cifar10", "unpack cifar-10-python.tar.gz into the folder"),
        ("saremi-sigma-small", "point `data_dir` or SWEEPER_DATA to the folder above MNIST/raw"),
        ("uvb-cifar10-small", "set `folder` to where they are"),
    ],
)
def test_missing_data_are_named_with_the_remedy(
    name: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    with pytest.raises(UserError) as caught:
        load(name)
    assert remedy in str(caught.value)
    assert f"{name}.yaml" in str(caught.value)
