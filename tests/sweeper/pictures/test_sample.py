"""`sweeper sample`: any trained model that can be sampled, kept in storage and shown in MLflow."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sweeper.cli import main
from sweeper.errors import UserError
from sweeper.pictures.sampling import draw_samples, make_sampler
from sweeper.status.trained import find_trial, load_trained
from tests.sweeper.mlflow_view import THIRD_PARTY
from tests.sweeper.trained_zoo import id_of, pictures_of, trained_sweep
from trainers import Pack, checkpoint

pytestmark = THIRD_PARTY


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main([*words, "--storage", str(trained_sweep().storage)])
    out, err = capsys.readouterr()
    return code, out, " ".join(err.split())


@pytest.mark.parametrize(
    ("model", "sampler", "tiles"),
    [
        ("sigma_vae", None, (3, 3)),
        ("dvae", "ancestral", (3, 3)),
        ("uvb", None, (10, 9)),
        ("uvb", "ancestral", (3, 3)),
        ("deen", "walk_jump", (10, 9)),
        ("deen", "langevin", (3, 3)),
        ("deen", "nebula", (3, 3)),
    ],
)
def test_a_picture_of_samples(
    model: str, sampler: str | None, tiles: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--sampler", sampler] if sampler else []
    code, out, _ = command(capsys, "sample", id_of(model), "--count", "9", "--json", *chosen)
    told = json.loads(out)
    assert (code, told["trial"], told["notes"]) == (0, id_of(model), [])
    path = Path(told["picture"])
    assert path.parent == trained_sweep().storage / "trials" / id_of(model) / "pictures"
    with Image.open(path) as picture:
        width, height = tiles[0] * 68, tiles[1] * 68
        assert picture.size == (width, 18 + height + 18), "a caption, and a scale"
    [run] = told["runs"]
    assert path.name in pictures_of(run)


def test_a_sqlite_store_gets_it_without_an_import_of_mlflow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sweeper.tracking.files", None)
    code, out, _ = command(capsys, "sample", id_of("dvae"), "--count", "3", "--json")
    told = json.loads(out)
    assert (code, told["notes"]) == (0, [])
    [run] = told["runs"]
    assert Path(told["picture"]).name in pictures_of(run)


def test_the_loaded_model_is_the_one_that_was_trained() -> None:
    planned = trained_sweep().trials[0]
    trained = load_trained(trained_sweep().storage, planned.id)
    pack = Pack([planned.trial])
    commit = checkpoint.latest(trained.folder)
    assert commit is not None
    pack.restore([commit.load()], 1)
    _, model = pack.bind(0)
    x = torch.rand(3, 64)
    assert torch.equal(trained.model.encode(x)[0], model.encode(x)[0])
    assert trained.epoch == 1


def test_the_seed_alone_decides_the_picture() -> None:
    trained = load_trained(trained_sweep().storage, id_of("uvb"))
    sampler = make_sampler(trained, None, ["jumps=2", "every=3", "start=noisy"])
    first, again, other = (draw_samples(trained, sampler, 2, seed) for seed in (0, 0, 1))
    assert first.name == again.name == "sample-walk_jump-every3-jumps2-startnoisy-2-seed0"
    assert np.array_equal(first.rows, again.rows)
    assert not np.array_equal(first.rows, other.rows)
    assert np.shape(first.rows) == (2, 2, 1, 8, 8)


def test_a_long_walk_is_shown_from_its_first_to_its_last_jump() -> None:
    trained = load_trained(trained_sweep().storage, id_of("deen"))
    samplers = [make_sampler(trained, None, [f"jumps={jumps}", "every=1"]) for jumps in (20, 58)]
    short, long = (draw_samples(trained, sampler, 2, 0) for sampler in samplers)
    assert np.shape(short.rows) == np.shape(long.rows) == (2, 20, 1, 8, 8)
    assert np.array_equal(np.asarray(long.rows)[:, 0], np.asarray(short.rows)[:, 0])
    assert not np.array_equal(np.asarray(long.rows)[:, -1], np.asarray(short.rows)[:, -1])


def test_a_copy_goes_where_it_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "new" / "samples.png"
    code, out, _ = command(
        capsys, "sample", id_of("sigma_vae"), "--out", str(copy), "--count", "5", "--json"
    )
    assert code == 0
    assert copy.read_bytes() == Path(json.loads(out)["picture"]).read_bytes()


def test_a_trial_is_found_by_the_beginning_of_its_id_and_by_its_label() -> None:
    storage, trial = trained_sweep().storage, trained_sweep().trials[0]
    shortest = next(
        trial.id[:end]
        for end in range(1, 17)
        if sum(other.id.startswith(trial.id[:end]) for other in trained_sweep().trials) == 1
    )
    assert find_trial(storage, shortest) == trial.id
    assert find_trial(storage, trial.label) == trial.id


def test_a_trial_is_found_by_its_settings() -> None:
    storage, trials = trained_sweep().storage, trained_sweep().trials
    trial = next(one for one in trials if one.id == id_of("sigma_vae"))
    words = [word for word in trial.label.split() if "=" in word]
    ascii_words = [word.replace("σ", "sigma") for word in words]
    assert ascii_words != words
    for name in (words, ascii_words, [*reversed(ascii_words)]):
        assert find_trial(storage, " ".join([trial.label.split()[0], *name])) == trial.id
    experiment = trained_sweep().experiment
    for name in (experiment, trained_sweep().name):
        assert find_trial(storage, " ".join([name, trial.label.split()[0], *words])) == trial.id
    with pytest.raises(UserError, match=r"means \d+ trials: .*\(.* seed=0\); give the id of one"):
        find_trial(storage, "seed=0.0")
    with pytest.raises(UserError, match="there is no trial 'sigma_vae seed=7'"):
        find_trial(storage, "sigma_vae seed=7")
    with pytest.raises(UserError, match="there is no trial 'hidden=many'"):
        find_trial(storage, "hidden=many")


def test_a_tracker_that_is_gone_loses_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = trained_sweep()
    store = Path(sweep.tracking.removeprefix("sqlite:///"))
    hidden = store.with_name("hidden.db")
    store.rename(hidden)
    try:
        code, out, _ = command(capsys, "sample", id_of("dvae"), "--count", "2")
        assert not store.exists()
    finally:
        hidden.rename(store)
    assert code == 0
    assert "not shown in MLflow: there is no tracking store" in out


WRONG = [
    (
        ["sigma_vae", "--sampler", "walk_jump"],
        "walks on an energy of noisy data, and the "
        "objective 'elbo' learns none; use the sampler 'ancestral', or train one of deen, uvb",
    ),
    (["sigma_vae", "--sampler", "langevin"], "learns none; use the sampler 'ancestral'"),
    (["deen", "--sampler", "ancestral"], "the objective 'deen' has none; use 'walk_jump'"),
    (["deen", "--sampler", "walkjump"], "unknown sampler 'walkjump'; did you mean 'walk_jump'?"),
    (["sigma_vae", "--set", "delta=1"], "the sampler 'ancestral' has no field to set, and"),
    (["deen", "--set", "dleta=1"], "unknown key 'dleta'; did you mean 'delta'?"),
    (["deen", "--set", "delta"], "'delta' must be FIELD=VALUE (fields: delta, every, jumps,"),
    (["deen", "--set", "delta=-1"], "WalkJump.delta must be greater than 0, not -1.0"),
    (["deen", "--set", "every=two"], "every must be a whole number, not 'two'"),
    (["deen", "--set", "start=zero"], "start must be one of uniform, noisy, not 'zero'"),
    (["deen", "--count", "0"], "--count must be from 1 to 1000, not 0"),
    (["deen", "--seed", "-1"], "--seed must be at least 0, not -1"),
    (["deen", "--out", "x.jpg"], "--out must end in .png, not 'x.jpg'"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_what_means_nothing_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = command(capsys, "sample", id_of(words[0]), *words[1:])
    assert code == 2
    assert message in err


def test_failed_trials_and_vectors_have_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = command(capsys, "sample", id_of("sigma_vae", sigma=0.3))
    assert code == 2
    assert "failed (" in err
    assert "left no model; choose another trial" in err
    code, _, err = command(capsys, "sample", id_of("sigma_vae", data="linear_gaussian"))
    assert code == 2
    assert "linear_gaussian has no images" in err


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sigma=0.11 seed=0", "sigma_vae σ=0.1 network=mlp seed=0"),
        ("seed=0 σ=0.19 sigma_vae", "sigma_vae σ=0.2 network=mlp seed=0"),
        ("uvb sigma=0.3 seed=0", "uvb σ=0.2 seed=0"),
    ],
)
def test_settings_of_no_trial_are_refused_with_the_trial_of_the_nearest_values(
    name: str, meant: str
) -> None:
    with pytest.raises(UserError, match=f"there is no trial '{name}'.*did you mean '{meant}'"):
        find_trial(trained_sweep().storage, name)


def test_an_unknown_trial_is_refused_with_the_nearest(tmp_path: Path) -> None:
    storage = trained_sweep().storage
    with pytest.raises(UserError, match=r"no trial 'dvae seed=5'.*did you mean 'dvae"):
        find_trial(storage, "dvae seed=5")
    with pytest.raises(UserError, match="there are no trials in"):
        find_trial(tmp_path, "anything")
    for name in ("aa11", "aa12"):
        (tmp_path / "trials" / name).mkdir(parents=True)
        (tmp_path / "trials" / name / "trial.json").write_text("{}")
    with pytest.raises(UserError, match="means 2 trials: aa11, aa12; give the id of one"):
        find_trial(tmp_path, "aa")
