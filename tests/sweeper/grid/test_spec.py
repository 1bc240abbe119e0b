"""A grid is loaded whole, or refused with one message that says what and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.errors import UserError
from sweeper.grid.document import parse
from sweeper.grid.expand import expand
from sweeper.grid.loading import load
from sweeper.grid.schema import check_grid
from tests.sweeper.grids import HEAD, grid_text, write_grid

GOOD = "{model: sigma_vae, sigma: 0.1}"


def check(text: str) -> str:
    """The message that a grid is refused with."""
    document = parse(text, "g.yaml")
    with pytest.raises(UserError) as caught:
        expand(document, check_grid(document))
    return str(caught.value)


TOP = [
    ("", "g.yaml: the grid is empty; `sweeper init` writes one to start from"),
    ("- a\n- b", "g.yaml:1: a grid must be a mapping (`experiment: ...`), and this is ['a', 'b']"),
    ("hello", "g.yaml:1: a grid must be a mapping (`experiment: ...`), and this is 'hello'"),
    ("experiment: a", "g.yaml:1: trials: is missing"),
    ("trials: [{}]", "g.yaml:1: experiment: is missing"),
    (
        "experiment: a\ntrials: []",
        "g.yaml:2: trials: the grid has no trials: write at least one "
        "block, such as `- {model: sigma_vae, sigma: 0.1}`",
    ),
    ("experiment: a\ntrials: 3", "g.yaml:2: trials: must be a list, not 3"),
    (
        "experiment: a\ntrials: [x]",
        "g.yaml:2: trials[0]: must be a mapping (`key: value` lines), not 'x'",
    ),
    (
        "experiment: ../../etc\ntrials: [{}]",
        "g.yaml:1: experiment: must be 1 to 99 letters, "
        "digits, spaces or any of . _ + - (it names a folder), not '../../etc'",
    ),
    (
        "experiment: ..\ntrials: [{}]",
        "g.yaml:1: experiment: must be 1 to 99 letters, digits, "
        "spaces or any of . _ + - (it names a folder), not '..'",
    ),
]


@pytest.mark.parametrize(("text", "message"), TOP)
def test_a_grid_that_is_none_is_refused(text: str, message: str) -> None:
    assert check(text) == message


LINES = [
    (
        "sedes: 3",
        "sedes: unknown key 'sedes'; did you mean 'seeds'? (known: aliases, allow_mixed, "
        "analysis, cluster, components, data, defaults, evaluate, experiment, models, resources, "
        "search, seeds, send_code, send_data, split_seeds, storage, tracking, trials, until)",
    ),
    ("seeds: 0", "seeds: must be a number of seeds (at least 1) or a list of them, not 0"),
    ("seeds: yes", "seeds: must be a number of seeds (at least 1) or a list of them, not 'yes'"),
    ("seeds: [0, 1, 0]", "seeds[2]: the seed 0 appears twice"),
    ("seeds: [0, -1]", "seeds[1]: must be a whole number from 0 to 2,147,483,647, not -1"),
    ("aliases: same", "aliases: must be one of 'keep', 'merge', 'verify', not 'same'"),
    (
        "search: {method: magic}",
        "search.method: unknown search method 'magic' (known: asha, "
        "grid, median, random, sobol, successive_halving, tpe)",
    ),
    (
        "analysis: {law: {xx: sigma}}",
        "analysis.law.xx: unknown key 'xx'; did you mean 'x'? (known: range, where, x, y)",
    ),
    (
        "analysis: {law: {where: {model: {}}}}",
        "analysis.law.where.model: must be a value or a list of values, not {}",
    ),
    (
        "analysis: {law: {range: [2, 1]}}",
        "analysis.law.range: must be [low, high] with 0 < low < high, not [2.0, 1.0]",
    ),
    (
        "analysis: {equivalence: {margin: 0}}",
        "analysis.equivalence.margin: must be greater than 0, not 0",
    ),
    ("resources: {cpus: two}", "resources.cpus: must be a number, not 'two'"),
    ("resources: {gpus: -1}", "resources.gpus: must be at least 0, not -1"),
    (
        "resources: {gpus: 1.5}",
        "resources.gpus: must be a share of a GPU (0.5) or a whole number, not 1.5",
    ),
    (
        "resources: {gpu_type: A100}",
        "resources: gpu_type is the kind of a GPU, and no GPU is asked for: write {gpus: 1, "
        "gpu_type: A100}",
    ),
    ("resources: {memory_gb: -1}", "resources.memory_gb: must be at least 0, not -1"),
    ("resources: {custom: {disk: 0}}", "resources.custom.disk: must be greater than 0, not 0"),
    ("resources: {custom: {GPU: 1}}", "resources.custom.GPU: is written `resources: {gpus: ...}`"),
    ("resources: {max_concurrent: 0}", "resources.max_concurrent: must be at least 1, not 0"),
    (
        "resources: {pack: 0}",
        "resources.pack: must be auto or a whole number of at least 1, not 0",
    ),
    (
        "tracking: mlruns",
        "tracking: must start with one of sqlite:///, http://, https://, "
        "postgresql://, postgresql+psycopg2://, postgresql+psycopg://, mysql+pymysql://, not "
        "'mlruns'",
    ),
    (
        "cluster: cloud",
        "cluster: must be local, auto, or the address of a running Ray cluster "
        "(HOST:PORT), not 'cloud'",
    ),
    ("storage: 3", "storage: must be text, not 3"),
    ("data: 3", "data: must be a name, or a mapping with `name`, not 3"),
]


@pytest.mark.parametrize(("line", "message"), LINES)
def test_a_wrong_setting_is_named_with_its_line(line: str, message: str) -> None:
    text = f"experiment: a\n{line}\ntrials: [{{}}]\n"
    assert check(text) == f"g.yaml:2: {message}"


BLOCKS = [
    (
        "{model: sigma_vea, sigma: 0.1}",
        ".model: unknown model 'sigma_vea'; did you mean 'sigma_vae'? (known: ",
    ),
    ("{sigma: 0.1}", ": `model` is missing: name one of sigma_vae, alpha_vae, "),
    ("{model: sigma_vae}", ": sigma_vae needs `sigma`"),
    ("{model: sigma_vae, σ: 0.1}", ".σ: unknown key 'σ'; did you mean 'sigma'? "),
    (
        "{model: sigma_vae, sgima: 0.1}",
        ".sgima: unknown key 'sgima'; did you mean 'sigma'? (known: ",
    ),
    ("{model: sigma_vae, sigma: 0}", ".sigma: must be greater than 0, not 0"),
    ("{model: sigma_vae, sigma: -0.1}", ".sigma: must be greater than 0, not -0.1"),
    ("{model: sigma_vae, sigma: [0.1, -1]}", ".sigma[1]: must be greater than 0, not -1"),
    ("{model: sigma_vae, sigma: .nan}", ".sigma: must be finite, not nan"),
    ("{model: sigma_vae, sigma: .inf}", ".sigma: must be finite, not inf"),
    ("{model: sigma_vae, sigma: '0.1'}", ".sigma: must be a number, not '0.1'"),
    ("{model: sigma_vae, sigma: true}", ".sigma: must be a number, not true"),
    ("{model: sigma_vae, sigma: }", ".sigma: must be a number, not empty"),
    (
        "{model: sigma_vae, sigma: []}",
        ".sigma: an axis needs at least one value, and this list is empty",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, alpha: 0.2}",
        ".alpha: sigma_vae has no `alpha`; it belongs to alpha_vae",
    ),
    (
        "{model: alpha_vae, sigma: 0.1}",
        ".sigma: alpha_vae has no `sigma`; it belongs to sigma_vae",
    ),
    (
        "{model: deen, sigma: 0.1, beta: 2, network: quadratic}",
        ".beta: deen has no `beta`, "
        "because it has no latent variables, so no KL to weight; it belongs to sigma_vae, ",
    ),
    (
        "{model: deen, sigma: 0.1, network: quadratic, d_z: 3}",
        ".d_z: deen has no `d_z`, because it has no latent variables (deen has: ",
    ),
    (
        "{model: iwae, likelihood: gaussian, sigma: 0.1, beta: 2}",
        ".beta: iwae has no `beta`, "
        "because the log of a mean of weights has no KL of its own to weight; it belongs to ",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, corruption: gaussian}",
        ".corruption: sigma_vae has no `corruption`; it belongs to noisy_vae, dvae",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, likelihood: laplace}",
        ".likelihood: sigma_vae is a "
        "model with the likelihood gaussian, and laplace is what alpha_vae, dvae, iwae, diwae may",
    ),
    (
        "{model: uvb, sigma: 0.1, likelihood: laplace}",
        ".likelihood: uvb has no `likelihood`, "
        "because its decoder is a field of its own: write `decoder: gaussian` or "
        "`decoder: laplace` (uvb has: ",
    ),
    (
        "{model: deen, sigma: 0.1, network: quadratic, likelihood: laplace}",
        ".likelihood: deen has no `likelihood`, because its loss is least squares (deen has: ",
    ),
    ("{model: noisy_vae, sigma: 0.1}", ": noisy_vae needs `corruption`: name one of "),
    (
        "{model: noisy_vae, sigma: 0.1, corruption: gaussian}",
        ".corruption: the corruption gaussian needs `sigma`",
    ),
    (
        "{model: noisy_vae, sigma: 0.1, corruption: {name: gaussian, sigma: 0}}",
        ".corruption.sigma: must be greater than 0, not 0",
    ),
    (
        "{model: noisy_vae, sigma: 0.1, corruption: {name: gausian}}",
        ".corruption.name: unknown corruption 'gausian'; did you mean 'gaussian'? (known: ",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, network: con}",
        ".network: unknown network 'con'; did you mean 'conv'? (known: ",
    ),
    ("{model: sigma_vae, sigma: 0.1, network: quadratic}", ": "),
    ("{model: sigma_vae, sigma: 0.1, d_z: 2.5}", ".d_z: must be a whole number, not 2.5"),
    ("{model: sigma_vae, sigma: 0.1, d_z: 0}", ".d_z: must be at least 1, not 0"),
    (
        "{model: sigma_vae, sigma: 0.1, precision: half}",
        ".precision: must be one of 'float32', 'float64', 'bfloat16', not 'half'",
    ),
    (
        "{model: sigma_vae, sigma: {linspace: [0, 1]}}",
        ".sigma.linspace: must be [first, last, count], not [0, 1]",
    ),
    (
        "{model: sigma_vae, sigma: 1, network: {linspace: [0, 1, 999999999999]}}",
        ".network: `network` must be a name or a list of names",
    ),
    (
        "{model: sigma_vae, sigma: 1, d_z: 99999999999}",
        ".d_z: must be at most 1,000,000,000, not 99999999999",
    ),
    (
        "{model: sigma_vae, sigma: 1, epochs: 99999999999999999999999999}",
        ".epochs: must be at most 1,000,000,000, not 1e+26",
    ),
    (
        "{model: sigma_vae, sigma: {linspace: [1, 2, 0]}}",
        ".sigma.linspace: count must be a whole number of at least 1, not 0",
    ),
    (
        "{model: sigma_vae, sigma: {linspace: [1, 2, 1]}}",
        ".sigma.linspace: two ends need a count of at least 2, and it is 1",
    ),
    (
        "{model: sigma_vae, sigma: {logspace: [0, 1, 3]}}",
        ".sigma.logspace: logspace needs two "
        "ends of one sign, neither of them zero, and they are 0 and 1",
    ),
    (
        "{model: sigma_vae, sigma: {linspce: [1, 2, 3]}}",
        ".sigma: unknown key 'linspce'; did you mean 'linspace'? (known: linspace, logspace)",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, seeds: 0}",
        ".seeds: must be a number of seeds (at least 1) or a list of them, not 0",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, data: mnst}",
        ".data: unknown data set 'mnst'; did you mean 'mnist'? (known: ",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, data: {name: linear_gaussian, dim: 3}}",
        ".data.dim: unknown key 'dim'; did you mean 'dims'? (known: ",
    ),
    (
        "{model: sigma_vae, sigma: 0.1, model_config: 1}",
        ".model_config: unknown key 'model_config'",
    ),
]


@pytest.mark.parametrize(("block", "message"), BLOCKS)
def test_a_wrong_block_is_named_with_its_line_and_path(block: str, message: str) -> None:
    assert check(grid_text(GOOD, block)).startswith(f"g.yaml:7: trials[1]{message}")


def test_an_impossible_combination_says_what_would_work() -> None:
    message = check(grid_text(GOOD, "{model: sigma_vae, sigma: 0.2, network: quadratic}"))
    assert "quadratic" in message
    assert "linear" in message
    binary = check(grid_text("{model: bernoulli_vae}"))
    assert "'bernoulli' is for data in (0.0, 1.0)" in binary
    assert "use one of gaussian, gaussian_learned, laplace" in binary
    recurrent = check(grid_text("{model: deen, sigma: 0.1, network: gru}"))
    assert "'deen' trains an energy, and the network 'gru' is an autoencoder" in recurrent
    assert "use one of conv_energy, quadratic" in recurrent


def test_a_default_that_no_trial_takes_is_refused() -> None:
    text = grid_text(GOOD).replace("d_z: 2", "dz: 2")
    assert check(text).startswith(
        "g.yaml:3: defaults.dz: no trial of this grid takes 'dz'; did you mean 'd_z'?"
    )


def test_a_huge_grid_is_refused_before_it_is_expanded() -> None:
    huge = "{model: sigma_vae, sigma: {linspace: [0.1, 1, 1000000000]}, beta: [1, 2]}"
    assert check(grid_text(huge)) == (
        "g.yaml:5: trials: the grid has 4,000,000,000 trials, and more than 100,000 are refused "
        "unless you say --yes"
    )
    seeds = "{model: sigma_vae, sigma: 0.1, seeds: 1000000000}"
    assert "the grid has 1,000,000,000 trials" in check(grid_text(seeds))


def test_yes_admits_a_large_grid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sweeper.grid.expand.LIMIT", 3)
    path = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: [0.1, 0.2]}"))
    with pytest.raises(UserError, match="--yes"):
        load(path, storage=str(tmp_path))
    assert len(load(path, yes=True, storage=str(tmp_path)).trials) == 4


def load_error(text: str, folder: Path, storage: str | None = None) -> str:
    path = write_grid(folder, text)
    with pytest.raises(UserError) as caught:
        load(path, storage=storage)
    return str(caught.value).replace(str(folder), "")


def test_equal_trials_are_refused_with_both_lines(tmp_path: Path) -> None:
    text = grid_text("{model: sigma_vae, sigma: [0.1, 0.2]}", "{model: sigma_vae, sigma: 0.2}")
    assert load_error(text, tmp_path) == (
        "/grid.yaml:7: trials[1]: the trial sigma_vae σ=0.2 seed=0 appears twice: here and in "
        "trials[0] (line 6)"
    )


def test_axes_are_equal_to_twelve_digits(tmp_path: Path) -> None:
    text = grid_text("{model: sigma_vae, sigma: [0.3, 0.30000000000000004]}")
    assert load_error(text, tmp_path) == (
        "/grid.yaml:6: trials[0]: the trial sigma_vae σ=0.3 seed=0 appears twice: its axes repeat "
        "a value"
    )


def test_a_law_over_what_no_trial_has_is_refused(tmp_path: Path) -> None:
    head = HEAD + "analysis: {law: {x: sgima}}\n"
    assert load_error(grid_text(GOOD, head=head), tmp_path).startswith(
        "/grid.yaml:5: analysis.law.x: no trial of this grid has 'sgima'; did you mean 'sigma'? "
        "(known here: batch_size, beta, "
    )


def test_a_law_of_rows_with_what_no_trial_has_is_refused(tmp_path: Path) -> None:
    head = HEAD + "analysis: {law: {where: {modle: sigma_vae}}}\n"
    assert load_error(grid_text(GOOD, head=head), tmp_path).startswith(
        "/grid.yaml:5: analysis.law.where.modle: no trial of this grid has 'modle'; did you mean "
        "'model'? (known here: batch_size, beta, "
    )
    head = HEAD + "analysis: {law: {where: {model: sigma_vae, role: declared}}}\n"
    assert load(write_grid(tmp_path, grid_text(GOOD, head=head))).analysis["law"]["where"]


def test_a_law_of_what_no_trial_reports_is_refused(tmp_path: Path) -> None:
    head = HEAD + "analysis: {law: {x: sigma, y: test/k}}\n"
    assert load_error(grid_text(GOOD, head=head), tmp_path).startswith(
        "/grid.yaml:5: analysis.law.y: no trial of this grid reports 'test/k'; did you mean "
        "'test/kl'? (they report test/denoise, "
    )
    head = HEAD + "analysis: {law: {x: sigma, y: nll/nll}}\n"
    assert "reports 'nll/nll' (they" in load_error(grid_text(GOOD, head=head), tmp_path)
    asked = head + "evaluate: [nll]\n"
    assert load(write_grid(tmp_path, grid_text(GOOD, head=asked))).analysis["law"]["y"]


def test_a_search_that_makes_trials_up_may_have_a_law(tmp_path: Path) -> None:
    head = HEAD + (
        "search: {method: tpe, trials: 4, metric: test/kl, mode: min}\n"
        "analysis: {law: {x: sigma, y: test/kl}}\n"
    )
    text = grid_text("{model: sigma_vae, sigma: {uniform: [0.1, 0.3]}}", head=head)
    assert load(write_grid(tmp_path, text)).analysis["law"]["x"] == "sigma"


def test_missing_data_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEPER_DATA", raising=False)
    head = HEAD.replace("linear_gaussian", "mnist")
    found = load_error(grid_text(GOOD, head=head), tmp_path)
    assert found.startswith("/grid.yaml:2: data: no data folder: set `data_dir`")
    assert "with `download: true` it is filled" in found
    head = HEAD.replace("linear_gaussian", f"{{name: mnist, data_dir: {tmp_path}}}")
    found = load_error(grid_text(GOOD, head=head), tmp_path)
    assert "download: true" in found


def test_storage_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    head = HEAD + f"storage: {tmp_path}/file/deep\n"
    found = load_error(grid_text(GOOD, head=head), tmp_path)
    assert found == (
        "/grid.yaml:5: storage: the storage /file/deep cannot be written: /file "
        "is a file; choose another with `storage:` or --storage"
    )
    assert load_error(text=grid_text(GOOD, head=head), folder=tmp_path, storage="hdfs://a/b") == (
        "--storage: storage must be a folder, or the address of a bucket (s3://, gs:// or az://), "
        "not 'hdfs://a/b'"
    )


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    path = write_grid(tmp_path, grid_text(GOOD))
    load(path, storage=str(tmp_path / "a" / "b"))
    assert [one.name for one in tmp_path.iterdir()] == ["grid.yaml"]


def test_addresses_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = load(write_grid(tmp_path, grid_text(GOOD)))
    assert sweep.storage == tmp_path / "sweeps"
    assert sweep.tracking == f"sqlite:///{tmp_path}/mlflow.db"
    assert sweep.analysis["law"] == {"x": "sigma", "y": "test/kl"}


def test_the_same_trials_are_the_same_sweep(tmp_path: Path) -> None:
    first = load(write_grid(tmp_path, grid_text(GOOD)))
    path = write_grid(tmp_path, grid_text(GOOD) + "# a comment\n")
    assert load(path).name == first.name
    assert (
        load(write_grid(tmp_path, grid_text(GOOD).replace("seeds: 2", "seeds: 3"))).name
        != first.name
    )


def test_a_missing_grid_lists_the_shipped_ones() -> None:
    with pytest.raises(UserError, match=r"no grid 'digts'; did you mean 'digits'\?"):
        load("digts")


def test_a_missing_grid_may_be_the_one_beside_it(tmp_path: Path) -> None:
    path = write_grid(tmp_path, grid_text(GOOD))
    with pytest.raises(UserError, match=f"did you mean '{path}'"):
        load(path.with_suffix(".yml"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="a grid is UTF-8 text"):
        load(tmp_path / "g.yaml")


WORDS = st.sampled_from(
    [
        "experiment",
        "trials",
        "data",
        "defaults",
        "seeds",
        "model",
        "sigma",
        "beta",
        "network",
        "linspace",
        "name",
        "corruption",
        "likelihood",
        "aliases",
        "analysis",
        "law",
        "range",
        "sigma_vae",
        "dvae",
        "deen",
        "linear",
        "linear_gaussian",
        "gaussian",
        "verify",
    ]
)
SCALARS = st.one_of(
    WORDS, st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)
    ),
    max_leaves=12,
)
SHAPED = st.fixed_dictionaries(
    {
        "experiment": st.one_of(st.just("a"), VALUES),
        "data": st.one_of(st.just("linear_gaussian"), VALUES),
        "trials": st.one_of(
            VALUES, st.lists(st.dictionaries(WORDS, VALUES, max_size=5), max_size=3)
        ),
    },
    optional={"defaults": VALUES, "seeds": VALUES, "aliases": VALUES, "analysis": VALUES},
)


def survives(text: str) -> None:
    """Whatever the text, it is a grid or a `UserError`."""
    try:
        document = parse(text, "g.yaml")
        check_grid(document)
        expand(document, check_grid(document))
    except UserError as error:
        assert str(error).startswith("g.yaml")  # noqa: PT017 - most inputs are errors


@settings(max_examples=150)
@given(st.text(alphabet=st.sampled_from(list("abx:{}[],&*!|>-?'\"#%@ \n\t01.~<=\\")), max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    survives(text)


@settings(max_examples=150)
@given(SHAPED)
def test_no_values_break_the_checks(values: dict[str, object]) -> None:
    import json

    survives(json.dumps(values).replace("Infinity", ".inf").replace("NaN", ".nan"))
