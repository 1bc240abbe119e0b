"""`sweeper plan` counts, pairs and estimates; it starts nothing and writes nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sweeper.cli import main
from sweeper.grid import loading
from sweeper.planning import capacity
from sweeper.planning.capacity import Estimate, crowding, estimate, parallel, wall_seconds
from sweeper.planning.outline import outline
from sweeper.resources import Resources
from sweeper.storage import ledger
from sweeper.sweep import Sweep
from sweeper.terminal.plan_table import duration
from tests.sweeper.grids import HEAD, grid_text, trials_of, write_grid
from tests.sweeper.searched import load, search
from tests.sweeper.small import small_sweep

GRID = grid_text(
    "{model: sigma_vae, sigma: [0.03, 0.06]}",
    "{model: sigma_vae, sigma: 0.03, beta: 4, seeds: [0]}",
    head=HEAD + "aliases: verify\n",
)


@pytest.fixture
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which two packs train at once, and none on a GPU."""
    there = {"CPU": 2.0, "GPU": 0.0, "memory": 1e12}
    monkeypatch.setattr(capacity, "room_here", lambda resources: (there, resources.asked()))


@pytest.fixture
def plan(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    _two_cores: None,
) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", str(write_grid(tmp_path, GRID)), "--json"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["grid.yaml"]
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("command", [["plan"], ["run", "--inline"]])
def test_an_image_that_is_found_damaged_when_it_is_read_is_named(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        Image.effect_noise((20, 20), 90).save(tmp_path / f"{number}.jpg")
    damaged = tmp_path / "3.jpg"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    head = HEAD.replace("linear_gaussian", f"{{name: image_folder, folder: {tmp_path}, size: 8}}")
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}", head=head))
    where = ["--storage", str(tmp_path / "s"), "--tracking", f"sqlite:///{tmp_path}/mlflow.db"]
    assert main([*command, str(grid), *where]) == 2
    assert not (tmp_path / "s" / "trials").exists()
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith(f"error: data: {damaged} is damaged or no image: a whole image file")
    assert told.endswith("replace or delete it")


def image_grid(folder: Path, evaluate: str) -> list[str]:
    """A grid of a folder of images, as arguments of a command."""
    data = f"{{name: image_folder, folder: {folder / 'pictures'}, size: 8}}"
    head = HEAD.replace("linear_gaussian", data) + f"evaluate: [{evaluate}]\n"
    grid = write_grid(folder, grid_text("{model: sigma_vae, sigma: 0.1}", head=head))
    return [str(grid), "--storage", str(folder / "s"), "--tracking", f"sqlite:///{folder}/m.db"]


def draw_pictures(folder: Path, *classes: str) -> None:
    for part in ("train", "test"):
        for name in classes:
            inner = folder / "pictures" / part / name / "images"
            inner.mkdir(parents=True)
            for number in range(3):
                Image.effect_noise((8, 8), 90).save(inner / f"{number}.png")


@pytest.mark.parametrize("evaluation", ["classification", "smoothing"])
@pytest.mark.parametrize("command", [["plan"], ["run", "--inline"]])
def test_a_single_class_is_refused_for_evaluations_that_classify(
    command: list[str], evaluation: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_pictures(tmp_path, "n01")
    assert main([*command, *image_grid(tmp_path, evaluation)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "grid.yaml:5: evaluate[0]: the data set 'image_folder' has one class" in told
    assert not (tmp_path / "s" / "trials").exists()


def test_a_plan_counts_examples_classes_and_what_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_pictures(tmp_path, "n01", "n02")
    train = tmp_path / "pictures" / "train"
    (train / "gone.png").symlink_to(tmp_path / "nothing.png")
    (train / "boxes.txt").touch()
    (tmp_path / "pictures" / "test" / "n03").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "pictures" / "test" / "n03" / "1.png")
    command = ["plan", *image_grid(tmp_path, "classification")]
    assert main([*command, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    (data,) = plan["data"]
    assert (data["train"], data["validation"], data["test"], data["classes"]) == (6, 0, 7, 3)
    assert data["passed_over"] == {"dangling links": 1, "files ending in .txt": 1}
    remark = "1 test images are of classes without a training image ('n03')"
    assert f"image_folder: {remark}" in plan["notes"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "data     image_folder: 6 to train on, 7 to test, 3 classes" in told
    assert "unread   image_folder: dangling links (1), files ending in .txt (1)" in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("tracking: 'http://alice:secret@127.0.0.1:1'", r"would end at once: no MLflow server"),
        ("tracking: 'postgresql://alice:secret@127.0.0.1:1/x'", "would end at once: "),
        ("cluster: '127.0.0.1:1'", r"no Ray answers at 127.0.0.1:1 .*; start it \(ray start"),
        ("resources: {cpus: 9999}", "asks for cpus: 9999 and gpus: 0, and this machine has"),
    ],
)
def test_a_plan_warns_of_what_run_would_refuse_at_once(
    line: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan itself needs no server, and may be made elsewhere."""
    grid = write_grid(
        tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}", head=f"{HEAD}{line}\n")
    )
    assert main(["plan", str(grid), "--json", "--storage", str(tmp_path / "s")]) == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert re.search(told, note)
    assert "secret" not in note


def test_a_plan_warns_of_a_temporary_folder_that_is_too_long_for_ray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("t" * 120)))
    monkeypatch.chdir(tmp_path)
    assert main(["plan", str(write_grid(tmp_path, GRID)), "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert note.startswith("`sweeper run` without --inline would end at once: the name of the")
    assert note.endswith("set a shorter one, such as RAY_TMPDIR=/tmp, or use --inline")


def test_a_plan_counts_trials_and_packs(plan: dict[str, Any]) -> None:
    assert (plan["count"], plan["packs"], plan["finished"]) == (5, 2, 0)
    assert [trial["status"] for trial in plan["trials"]] == ["pending"] * 5


def test_a_plan_names_aliases(plan: dict[str, Any]) -> None:
    assert plan["aliases"] == [
        {
            "trial": "sigma_vae σ=0.03 β=4 seed=0",
            "partner": "sigma_vae σ=0.06 seed=0",
            "twin": True,
            "eps": 4e-8,
            "merged": False,
        }
    ]


def test_a_plan_estimates_time_and_memory(plan: dict[str, Any]) -> None:
    assert plan["estimate"]["cpu_s"] > 0
    assert plan["estimate"]["wall_s"] > 0
    assert plan["estimate"]["trial_memory_bytes"] > 1e8


def test_a_plan_says_where_a_batch_is_more_than_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = grid_text("{model: sigma_vae, sigma: [0.1, 0.2], batch_size: [1024, 1025]}")
    command = ["plan", str(write_grid(tmp_path, text)), "--storage", str(tmp_path)]
    note = (
        "line 6: batch_size 1,025 is more than the 1,024 training examples of "
        "linear_gaussian: an epoch is one step, on all of them"
    )
    assert main(command) == 0
    assert capsys.readouterr().out.count(note) == 1
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [note]


def notes_of(grid: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The notes of a grid's plan."""
    path = write_grid(folder, grid)
    assert main(["plan", str(path), "--storage", str(folder), "--json"]) == 0
    found: list[str] = json.loads(capsys.readouterr().out)["notes"]
    return found


@pytest.mark.parametrize(
    ("training", "sigma", "said"),
    [
        (
            "epochs: 4",
            "[0.1, 0.2, 0.3]",
            ["4 epochs with test_every 1 are 4 measurements a trial"],
        ),
        (
            "epochs: 20, test_every: 20",
            "[0.1, 0.2, 0.3]",
            ["20 epochs with test_every 20 is 1 measurement a trial"],
        ),
        ("epochs: 5", "[0.1, 0.2, 0.3]", []),
        ("epochs: 9, test_every: 2", "[0.1, 0.2, 0.3]", []),
        ("epochs: 4", "[0.1, 0.2]", []),
    ],
)
def test_a_plan_says_which_trials_are_measured_too_seldom_for_a_claim(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], training: str, sigma: str, said: list[str]
) -> None:
    """Below five measurements no trial counts as trained."""
    head = HEAD.replace("epochs: 2", training)
    text = grid_text(f"{{model: sigma_vae, sigma: {sigma}}}", head=head)
    assert notes_of(text, tmp_path, capsys) == [
        f"line 6: {one}; with fewer than 5 the report calls a trial not trained, and claims "
        "nothing of it"
        for one in said
    ]


def test_a_grid_without_a_file_has_no_lines(tmp_path: Path) -> None:
    grid = {
        "experiment": "test",
        "data": "digits",
        "defaults": {"network": "mlp", "d_z": 2, "epochs": 2, "batch_size": 5000},
        "trials": [{"model": "sigma_vae", "sigma": [0.1, 0.2, 0.3]}],
        "storage": str(tmp_path),
    }
    large, short = outline(loading.load(grid)).notes
    assert large.startswith("sigma_vae σ=0.1 seed=0: batch_size 5,000 is more than")
    assert short.startswith("sigma_vae σ=0.1 seed=0: 2 epochs with test_every 1")


@pytest.mark.parametrize(
    ("network", "data", "said"),
    [
        (
            "mlp",
            "linear_gaussian",
            [
                "line 6: mlp decodes to values from 0 to 1, and linear_gaussian "
                "has the range ℝ: what lies outside cannot be fitted; the network "
                "linear reaches it"
            ],
        ),
        ("linear", "linear_gaussian", []),
        ("mlp", "digits", []),
        ("linear", "digits", []),
    ],
)
def test_a_plan_says_where_a_decoder_cannot_reach_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], network: str, data: str, said: list[str]
) -> None:
    text = grid_text(
        f"{{model: sigma_vae, sigma: [0.1, 0.2], network: {network}}}",
        head=HEAD.replace("linear_gaussian", data),
    )
    assert notes_of(text, tmp_path, capsys) == said


@pytest.mark.usefixtures("_two_cores")
def test_a_plan_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    path = write_grid(tmp_path, GRID)
    assert main(["plan", str(path), "--storage", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for words in (
        "sigma_vae σ=0.03 β=4 twin",
        "5 in 2 packs",
        "estimate",
        "sigma_vae σ=0.03 β=4 seed=0 learns what σ=0.06 seed=0 learns: twins",
    ):
        assert words in out


@pytest.mark.usefixtures("_two_cores")
@pytest.mark.parametrize(
    ("resources", "packs"),
    [
        ("{gpus: 1}", "5 in 1 pack, divided as a probe of the GPU finds best"),
        ("{gpus: 1, pack: 9}", "5 in 1 pack"),
        ("{pack: auto}", "5 in 2 packs"),
        ("{pack: 1}", "5 in 5 packs"),
    ],
)
def test_a_plan_leaves_the_size_of_packs_to_the_gpu(
    resources: str, packs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GRID.replace("aliases: verify", f"aliases: verify\nresources: {resources}")
    path = write_grid(tmp_path, text)
    assert main(["plan", str(path), "--storage", str(tmp_path)]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"trials   {packs}" in lines


def cost(block: str) -> Estimate:
    (trial,) = trials_of(grid_text(block, head=HEAD.replace("seeds: 2", "seeds: 1")))
    return estimate(trial.trial, trial.parameters)


@pytest.mark.parametrize(
    "more", ["epochs: 20", "d_z: 512", "network: mlp", "k: 50, network: mlp", "batch_size: 4"]
)
def test_more_work_is_estimated_to_take_longer(more: str) -> None:
    assert (
        cost(f"{{model: sigma_vae, sigma: 0.1, {more}}}").seconds
        > cost("{model: sigma_vae, sigma: 0.1}").seconds
    )


def test_wall_time_fills_the_slots() -> None:
    start = wall_seconds([0.0], 1)
    assert wall_seconds([4.0, 2.0, 2.0], 2) - start == 4.0
    assert wall_seconds([4.0, 2.0, 2.0], 1) - start == 8.0
    assert wall_seconds([], 3) == 0.0


@pytest.mark.parametrize(
    ("load", "slots", "cluster", "crowd"),
    [
        (0.0, 4, "local", 1.0),
        (0.0, 1, "local", 1.0),
        (16.0, 2, "local", 2.5),
        (16.0, 4, "local", 3.0),
        (16.0, 4, "auto", 1.0),
    ],
)
def test_a_busy_machine_takes_as_much_longer_as_processes_share_a_core(
    load: float,
    slots: int,
    cluster: str,
    crowd: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four of its eight cores may be used."""
    monkeypatch.setattr("sweeper.planning.capacity.machine_load", lambda: load)
    monkeypatch.setattr("sweeper.planning.capacity.os.cpu_count", lambda: 8)
    monkeypatch.setattr("sweeper.planning.capacity.allowed_cores", lambda: 4)
    assert crowding(small_sweep(tmp_path, cluster=cluster), slots) == crowd


@pytest.mark.parametrize(
    ("crowd", "said"),
    [
        (1.2, "of computing: an estimate"),
        (3.0, "as this machine is busy: with this sweep 3.0 processes share each core"),
    ],
)
def test_a_plan_says_where_its_time_is_uncertain(
    crowd: float,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sweeper.planning.outline.crowding", lambda sweep, slots: crowd)
    monkeypatch.setenv("COLUMNS", "200")
    command = ["plan", str(write_grid(tmp_path, GRID)), "--storage", str(tmp_path)]
    assert main(command) == 0
    assert said in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["estimate"]["crowding"] == crowd


def test_slots_are_cores_over_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.planning.capacity.allowed_cores", lambda: 8)
    assert parallel(Resources(cpus=2), 100) == 4
    assert parallel(Resources(cpus=1), 3) == 3
    assert parallel(Resources(cpus=16), 3) == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "< 0.1 s"),
        (0.42, "0.4 s"),
        (42, "42 s"),
        (600, "10 min"),
        (7200, "2.0 h"),
        (864000, "10.0 days"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_plan_subtracts_the_points_that_a_search_has_tried(tmp_path: Path) -> None:
    def asked(count: int) -> Sweep:
        return load(
            tmp_path,
            f"{{method: tpe, metric: test/kl, mode: min, trials: {count}}}",
            "{model: sigma_vae, sigma: {uniform: [0.1, 0.2]}}",
            seeds=2,
        )

    sweep = asked(2)
    source, _ = search(sweep)
    known = replace(sweep, trials=source.trials)
    ledger.write_sweep(known, {})
    ledger.write_trials(known)
    plan = outline(asked(5))
    assert (plan.finished, plan.left, plan.most) == (4, 6, 10)


def test_a_search_that_looks_at_results_is_planned_one_by_one(tmp_path: Path) -> None:
    """Its trials are not packed, so as many places as it has trials are of use."""
    sweep = load(
        tmp_path,
        "{method: asha, metric: test/kl, mode: min, trials: 9, min_epochs: 1, reduction: 3}",
        "{model: sigma_vae, sigma: {uniform: [0.1, 0.2]}}",
        epochs=9,
    )
    assert outline(sweep).packs == 9
