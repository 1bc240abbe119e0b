"""The commands on a small sweep that has really been run."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from sweeper.cli import main
from sweeper.commands import report
from sweeper.commands.shared import answered
from sweeper.storage.lease import hold_lease
from tests.analysis.sweep_folder import SweepFolder, aliases, planted
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY

HEAD = """\
experiment: small
data: linear_gaussian
defaults: {network: linear, d_z: 2, epochs: 3, lr: 1e-2}
aliases: verify
seeds: 2
"""
GRID = grid_text(
    "{model: sigma_vae, sigma: [0.1, 0.2, 0.3, 0.4]}",
    "{model: sigma_vae, sigma: 0.1, beta: 4, seeds: 1}",
    head=HEAD,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, blank_store: Path) -> Path:
    """A folder in which the small grid has been run."""
    folder = tmp_path_factory.mktemp("small")
    shutil.copy(blank_store, folder)
    write_grid(folder, GRID)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", "grid.yaml", "--inline", "--json"]) == 0
    return folder


@pytest.fixture(autouse=True)
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_second_run_skips_everything(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "run", "grid.yaml", "--inline")
    assert {
        key: found[key] for key in ("experiment", "trials", "finished", "failed", "skipped")
    } == {"experiment": "small", "trials": 9, "finished": 9, "failed": 0, "skipped": 9}
    assert Path(found["report"]).is_file()
    assert found["tracking_uri"] == f"sqlite:///{place}/mlflow.db"


def test_the_run_of_the_sweep_carries_what_the_report_claims(place: Path) -> None:
    client = MlflowClient(f"sqlite:///{place}/mlflow.db")
    found = client.get_experiment_by_name("small")
    assert found is not None
    assert "`small`" in found.tags["mlflow.note.content"]
    [parent] = client.search_runs([found.experiment_id], "tags.`sweeper.kind` = 'sweep'")
    report = json.loads((place / "sweeps/sweeps/small/report/report.json").read_text())
    [law] = report["laws"]
    metrics, tags = parent.data.metrics, parent.data.tags
    assert (metrics["nu"], metrics["nu_low"], metrics["nu_high"]) == (
        law["nu"],
        law["ci_low"],
        law["ci_high"],
    )
    verdicts = Counter(
        f"{one['level']}/{one['verdict']}" for one in report["equivalence"]["verdicts"]
    )
    assert {
        name.removeprefix("equivalence/"): value
        for name, value in metrics.items()
        if name.startswith("equivalence/")
    } == verdicts
    assert tags["sweeper.law"] == law["law"]
    assert report["answer"]
    assert tags["mlflow.note.content"].startswith(f"**{report['answer']}**")
    history = client.get_metric_history(parent.info.run_id, "nu")
    assert [row.step for row in history] == [9], "a second report adds nothing"


def test_the_end_of_a_run_says_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["run", "grid.yaml", "--inline"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for words in ("agree to the last bit", "index.html", "sweeper ui"):
        assert words in out, words
    told = json.loads(Path("sweeps/sweeps/small/report/report.json").read_text("utf-8"))
    bullets = [text.strip() for text in out.split("•")[1:]]
    assert bullets[0] == told["answer"]
    assert 1 < len(bullets) <= 6
    assert "R²" not in out, "the tests in full are in the report"


def test_a_terminal_has_the_answer_and_four_more_sentences(tmp_path: Path) -> None:
    numbers = {"answer": "so", "brief": [f"s{n}" for n in range(7)], "summary": []}
    (tmp_path / "report.json").write_text(json.dumps(numbers))
    expected = ["so", "s0", "s1", "s2", "s3", "3 more sentences in the report."]
    assert answered(tmp_path / "index.html") == expected


def test_a_plan_knows_what_is_finished(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "plan", "grid.yaml")["finished"] == 9
    assert main(["plan", "grid.yaml"]) == 0
    assert "nothing is left to train" in capsys.readouterr().out


@pytest.mark.parametrize("source", [[], ["--tracking", "sqlite:///mlflow.db"]])
def test_fit_takes_rows_without_a_weight(
    source: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "fit", "small", "--model", "sigma_vae", *source)
    assert found["n"] == 8
    assert found["ci_low"] < found["nu"] < found["ci_high"]
    narrow = answer(capsys, "fit", "small", "--range", "0.2", "0.4", "--where", "seed=0", *source)
    assert narrow["n"] == 3


def test_fit_shows_no_p_of_nu_but_the_bend_where_trials_are_not_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SweepFolder(tmp_path)
    for seed, sigma in itertools.product((0, 1, 2), (0.1, 0.2, 0.4, 0.8)):
        name = f"{seed}-{sigma}"
        folder.trial(name, {"model": "sigma_vae", "sigma": sigma, "beta": 1.0, "seed": seed})
        folder.commit(name, 1, {"test/kl": (1 + 0.1 * seed + 0.01 * seed * sigma) * sigma**-0.7})
    folder.sweep()
    assert main(["fit", "demo", "--storage", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "p (ν = 0) no claim: not trained curvature" in shown
    assert re.search(r"curvature \S+ \(p = ", shown)


@pytest.mark.parametrize("x", ["beta", "d_z"])
def test_fit_takes_other_hyperparameters(
    x: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SweepFolder(tmp_path)
    for seed in (0, 1, 2):
        for value in (2, 4, 8, 16):
            params = {"model": "sigma_vae", "sigma": 0.1, "beta": 1.0, "d_z": 10, "seed": seed}
            folder.trial(f"{seed}{value}", params | {x: value})
            folder.commit(f"{seed}{value}", 1, {"test/kl": (1 + 0.1 * seed) * value**-0.7})
    folder.sweep()
    found = answer(capsys, "fit", "demo", "--x", x, "--storage", str(tmp_path))
    assert (found["nu"], found["n"]) == (pytest.approx(0.7), 12)
    where = answer(
        capsys,
        "fit",
        "demo",
        "--x",
        x,
        "--range",
        "2",
        "8",
        "--where",
        "sigma=0.1",
        "--storage",
        str(tmp_path),
    )
    assert (where["nu"], where["n"]) == (pytest.approx(0.7), 9)


def test_fit_takes_each_group_as_the_report_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two models and two d_z: a law each, with the numbers of report.json."""
    folder = SweepFolder(tmp_path)
    for model, d_z, nu in (("sigma_vae", 2, 1.2), ("sigma_vae", 4, 0.9), ("dvae", 2, 0.5)):
        for seed in (0, 1, 2):
            for sigma in (0.1, 0.2, 0.4):
                name = f"{model[0]}{d_z}{seed}{sigma}".replace(".", "")
                params = {"model": model, "sigma": sigma, "beta": 1.0, "d_z": d_z, "seed": seed}
                folder.trial(name, params)
                value = (1 + 0.1 * seed) * sigma ** -(nu + 0.01 * seed)
                folder.commit(name, 1, {"test/kl": value})
    folder.sweep()
    found = answer(capsys, "fit", "demo", "--storage", str(tmp_path))["groups"]
    nus = {one["label"]: one["nu"] for one in found}
    assert nus == {
        "σ-VAE, d_z = 2": pytest.approx(1.21),
        "σ-VAE, d_z = 4": pytest.approx(0.91),
        "DVAE": pytest.approx(0.51),
    }
    out = tmp_path / "out"
    answer(capsys, "report", "demo", "--storage", str(tmp_path), "--out", str(out))
    laws = json.loads((out / "report.json").read_text())["laws"]
    numbers = ("nu", "ci_low", "ci_high", "p_holm", "n")
    reported = {(one["family"], *(one[key] for key in numbers)) for one in laws}
    assert {(one["label"], *(one[key] for key in numbers)) for one in found} == reported
    one = answer(capsys, "fit", "demo", "--model", "dvae", "--storage", str(tmp_path))
    assert one["nu"] == nus["DVAE"]
    assert main(["fit", "demo", "--storage", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert [shown.count(label) for label in nus] == [1, 1, 1]


@pytest.mark.parametrize(
    ("asked", "ends", "y"),
    [
        ([], [0.1, 0.2], "test/recon"),
        (["--range", "0.05", "0.25"], [0.05, 0.25], "test/recon"),
        (["--y", "test/kl"], [0.05, 0.25], "test/kl"),
    ],
)
def test_fit_keeps_to_the_law_that_the_grid_declares(
    asked: list[str], ends: list[float], y: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The range that was declared before the run; of another law it says nothing."""
    folder = planted(tmp_path)
    folder.sweep(
        analysis={
            "law": {
                "x": "sigma",
                "y": "test/recon",
                "range": [0.1, 0.2],
                "where": {"seed": [1, 2]},
            }
        }
    )
    found = answer(capsys, "fit", "demo", "--storage", str(tmp_path), *asked)
    assert (found["range"], found["y"]) == (pytest.approx(ends), y)
    assert found["where"] == ({"seed": [1, 2]} if y == "test/recon" else {})


READERS = """
import sys
from sweeper.cli import main
rank = ("rank", "--metric", "test/recon")
for command, *more in (("status",), ("stop",), ("fit",), rank, ("report",)):
    assert main([command, "small", *more, "--json"]) == 0
    print(command, "torch" in sys.modules, file=sys.stderr)
assert main(["status", "grid.yaml", "--json"]) == 0
print("status of a file", "torch" in sys.modules, file=sys.stderr)
"""


def test_what_reads_stored_results_starts_without_torch(place: Path) -> None:
    """Its import takes longer than all else that they do."""
    program = [sys.executable, "-P", "-c", READERS]
    done = subprocess.run(program, check=False, cwd=place, capture_output=True, text=True)
    commands = ["status", "stop", "fit", "rank", "report", "status of a file"]
    assert done.stderr.splitlines() == [f"{command} False" for command in commands]


def test_fit_says_which_trials_are_in_no_law(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where they are why there is none."""
    folder = SweepFolder(tmp_path)
    states = {0.1: "finished", 0.2: "finished", 0.4: "finished", 0.8: "failed", 1.6: "running"}
    for sigma, status in states.items():
        name = f"t{sigma}".replace(".", "")
        params = {"model": "sigma_vae", "sigma": sigma, "beta": 1.0, "d_z": 10, "seed": 0}
        folder.trial(name, params)
        folder.commit(name, 1, {"test/kl": 1 / sigma}, status=status)
    folder.sweep()
    command = ["fit", "demo", "--storage", str(tmp_path)]
    left = [
        "1 trial failed and is in no result:",
        "1 of 5 trials is not finished (1 stopped), and",
    ]
    for more, code in (([], 0), (["--range", "0.5", "2"], 2)):
        assert main([*command, *more]) == code
        shown = " ".join(capsys.readouterr().out.split())
        assert [shown.count(words) for words in left] == [1, 1]


def test_twins_are_judged_exact(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "equivalence", "small")
    (twin,) = [verdict for verdict in found["verdicts"] if verdict["level"] == "twins"]
    assert twin["exact"]
    assert twin["verdict"] == "equivalent"
    assert found["margin"] == 0.10
    assert found["post_hoc"] == ""


def test_a_margin_of_the_command_line_is_post_hoc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aliases(tmp_path)
    command = ("equivalence", "demo", "--storage", str(tmp_path))
    declared = answer(capsys, *command)
    assert answer(capsys, *command, "--margin", str(declared["margin"])) == declared
    assert not declared["post_hoc"]
    found = answer(capsys, *command, "--margin", "0.3")
    assert found["post_hoc"] == "the margin was chosen after the run"
    tested = [one for one in found["verdicts"] if one.get("tests") or one.get("test")]
    assert {one["level"] for one in tested} == {"seeds", "collapse"}
    ends = {one["sentence"].partition("; post hoc: ")[2] for one in tested}
    assert ends == {"the margin was chosen after the run."}
    assert {one["post_hoc"] for one in tested} == {"the margin was chosen after the run"}


@pytest.mark.parametrize("margin", ["0", "-1", "inf", "nan"])
def test_a_margin_that_tests_nothing_is_refused(
    margin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["equivalence", "small", f"--margin={margin}"]) == 2
    assert "margin must be a finite number above zero, not" in capsys.readouterr().err


def test_two_groups_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(
        capsys,
        "compare",
        "small",
        "--first",
        "sigma=0.1",
        "--second",
        "sigma=0.4",
        "--metric",
        "test/recon",
        "test/kl",
    )["comparisons"]
    assert [one["metric"] for one in found] == ["test/recon", "test/kl"]
    assert found[0]["difference"]["value"] < 0
    assert found[0]["n"] == [2, 2]
    assert main(["compare", "small", "--by", "sigma", "--metric", "test/kl"]) == 0
    out = capsys.readouterr().out
    assert out.count("test/kl") == 6
    assert "nan" not in out, "two pairs have no effect size"
    assert "p (Holm)" in out
    said = " ".join(out.split())
    assert "Post hoc: these comparisons were chosen after the run;" in said
    assert "their p values are corrected for 6 tests." in said
    trained = re.findall(r"(?:drifting|not trained|converged) after \d+ epochs? ", out)
    assert len(trained) == 6, "a verdict has that of training beside it"
    assert main(["compare", "small", "--first", "sigma=0.1"]) == 2
    assert main(["compare", "small", "--by", "sigma", "--metric", "test/elbo"]) == 2
    assert "test/elbo_full" in capsys.readouterr().err


def test_what_every_report_compares_was_not_chosen_after_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SweepFolder(tmp_path)
    for model in ("noisy_vae", "uvb"):
        for seed in (0, 1, 2):
            name = f"{model}{seed}"
            folder.trial(name, {"model": model, "sigma": 0.5, "beta": 1.0, "seed": seed})
            metrics = {"test/denoise": 9.0 + seed + 0.1 * seed**2 * (model == "uvb")}
            folder.commit(name, 1, metrics | {"test/recon": metrics["test/denoise"]})
    folder.sweep()
    compare = ("compare", "demo", "--storage", str(tmp_path))
    typed = ("--by", "model", "--metric", "test/denoise")
    assert answer(capsys, *compare) == answer(capsys, *compare, *typed)
    assert answer(capsys, *compare)["post_hoc"] == ""
    other = answer(capsys, *compare, "--metric", "test/recon")
    assert other["post_hoc"] == "these comparisons were chosen after the run"
    assert main([*compare]) == 0
    assert "Post hoc" not in capsys.readouterr().out


def test_equal_nu_in_groups_is_post_hoc_as_no_report_tests_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SweepFolder(tmp_path)
    for seed, d_z, sigma in itertools.product((0, 1), (5, 10), (0.1, 0.2, 0.4)):
        params = {"model": "sigma_vae", "sigma": sigma, "beta": 1.0, "d_z": d_z, "seed": seed}
        folder.trial(f"{seed}-{d_z}-{sigma}", params)
        folder.commit(f"{seed}-{d_z}-{sigma}", 1, {"test/kl": (1 + seed * sigma) / sigma})
    folder.sweep()
    (pair,) = answer(capsys, "fit", "demo", "--group", "d_z", "--storage", str(tmp_path))["pairs"]
    assert pair["post_hoc"] == "the comparison was asked for after the run"
    assert pair["sentence"].endswith("; post hoc: the comparison was asked for after the run.")


def test_hypotheses_on_nu(capsys: pytest.CaptureFixture[str]) -> None:
    fit = ("fit", "small", "--model", "sigma_vae")
    for text, named in (("published", "that of s1_table1"), ("linear", "linear theory")):
        found = answer(capsys, *fit, "--against", text)["against"]
        assert named in found["hypothesis"]
        assert found["difference"]["value"] == pytest.approx(found["nu"] - found["value"])
        assert found["sentence"].endswith("epochs.")
    for name, other in (("s1_table2", "reconstruction error"), ("s1_table3", "KL of the α-VAE")):
        assert main([*fit, "--against", name]) == 2
        said = capsys.readouterr().err
        assert f"{name} is of another quantity, {other}" in said
        assert "of test/kl against sigma there is s1_table1" in said
    assert answer(capsys, *fit, "--against", "s1_table1")["against"]["post_hoc"] == "", (
        "every report sets it beside the law"
    )
    ranged = answer(capsys, *fit, "--against", "1", "--range", "0.1", "0.3")["against"]
    later = "the range was chosen after the run; the value was given after the run"
    assert ranged["sentence"].endswith(f"; post hoc: {later}.")
    assert answer(capsys, *fit, "--against", "1")["post_hoc"] == "", "the law was declared"
    assert main([*fit, "--group", "d_z"]) == 2
    assert "two or more values of d_z" in capsys.readouterr().err


def test_the_best_setting_is_named_with_its_trials(capsys: pytest.CaptureFixture[str]) -> None:
    ask = ("small", "--metric", "test/recon")
    found, first = answer(capsys, "best", *ask), answer(capsys, "rank", *ask)["settings"][0]
    assert found["setting"] == {name: first[name] for name in found["setting"]}
    assert found["setting"]["sigma"] == 0.1
    assert len(found["trials"]) == first["n"] == 2
    values = [one["test/recon"] for one in found["trials"]]
    assert sum(values) / 2 == pytest.approx(first["mean"])
    assert main(["best", *ask, "--where", "seed=1"]) == 0
    out = capsys.readouterr().out
    trial = found["trials"][1]
    assert f"{trial['trial'][:8]}  {trial['label']}  test/recon" in out
    assert f"sweeper sample {trial['trial'][:8]}" in out
    assert main(["best", "small"]) == 2
    err = capsys.readouterr().err
    assert "small has no validation part to choose on; add `--metric test/elbo_full`" in err


def test_settings_are_ranked(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "rank", "small", "--metric", "test/recon")
    assert found["mode"] == "min"
    means = [one["mean"] for one in found["settings"]]
    assert means == sorted(means)
    assert found["settings"][0]["sigma"] == 0.1
    assert {one["n"] for one in found["settings"]} == {2}
    assert (
        answer(
            capsys,
            "rank",
            "small",
            "--metric",
            "test/recon",
            "--mode",
            "max",
            "--top",
            "1",
            "--where",
            "seed=0",
        )["settings"][0]["sigma"]
        == 0.4
    )
    assert main(["rank", "small", "--top", "2"]) == 2
    err = capsys.readouterr().err
    assert "small has no validation part to choose on; add `--metric test/elbo_full`" in err
    [first, *_] = answer(capsys, "rank", "small", "--metric", "test/elbo_full")["settings"]
    assert main(["rank", "small", "--metric", "test/elbo_full", "--top", "2"]) == 0
    out = capsys.readouterr().out
    [row] = [line.split() for line in out.splitlines() if line.split()[:1] == ["1"]]
    assert row[:3] == ["1", first["trial"][:8], f"{first['sigma']:g}"], "a trial to go on with"
    assert "test/elbo_full" in out
    assert "2 more settings; --top 0 shows all" in out
    assert "chosen on the test part" in " ".join(out.split())
    assert main(["rank", "small", "--metric", "test/elbo"]) == 2
    assert main(["rank", "small", "--metric", "test/kl", "--where", "sigm=1"]) == 2
    assert "sigma" in capsys.readouterr().err
    assert main(["rank", "small", "--metric", "test/kl", "--where", "sigma=99"]) == 2
    assert "no trial has sigma=99 (sigma is 0.1" in capsys.readouterr().err
    assert main(["rank", "small", "--top", "-1"]) == 2


def test_a_comparison_is_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file the table is whole; a terminal too narrow for it shows sentences."""
    command = ["compare", "small", "--by", "sigma", "--metric", "test/kl", "test/elbo_full"]
    answered = answer(capsys, *command)["comparisons"]
    monkeypatch.setenv("COLUMNS", "60")
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if " test/" in line]
    assert len(rows) == len(answered) == 12
    for line, one in zip(rows, answered, strict=True):
        assert line.rstrip().endswith(one["verdict"])
        assert f"{one['difference']['high']:.3g})" in line
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(command) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 60
    told = " ".join(out.split())
    assert all(one["sentence"] in told for one in answered)


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["status", "small"], 9),
        (["rank", "small", "--metric", "test/recon"], 4),
        (["plan", "grid.yaml"], 5),
    ],
)
def test_a_table_in_a_file_has_a_row_a_line(
    words: list[str],
    rows: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    assert main(words) == 0
    table = capsys.readouterr().out.split("\n\n")[words[0] == "plan"].splitlines()
    assert len(table) == rows + 1
    assert len(set(map(len, table))) == 1
    assert not any("…" in line.replace(" … ", "") for line in table)


@pytest.mark.parametrize("command", ["report", "export"])
def test_a_folder_that_cannot_be_written_is_the_users_to_mend(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([command, "small", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "choose another folder with --out" in " ".join(capsys.readouterr().err.split())


def test_a_report_is_written_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "report", "small", "--out", str(tmp_path / "out"))
    assert found["report"] == str(tmp_path / "out" / "index.html")
    assert found["summary"]
    assert (tmp_path / "out" / "report.json").is_file()


def test_a_watch_ends_with_the_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "report", "small", "--watch", "--out", str(tmp_path / "out"))
    page = Path(found["report"]).read_text("utf-8")
    assert found["trials"] == 9
    assert '"reload": null' in page
    assert "loads itself again" not in page


def watch(folder: Path) -> list[str]:
    """The command that watches the experiment of the storage in a folder."""
    places = ["--storage", str(folder / "sweeps"), "--out", str(folder / "out")]
    return ["report", "small", "--watch", *places]


def test_a_watch_waits_for_a_sweep_that_has_not_begun(
    tmp_path: Path,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(seconds: float) -> None:
        if (tmp_path / "sweeps" / "sweeps").exists():
            shutil.copytree(place / "sweeps", tmp_path / "sweeps", dirs_exist_ok=True)
        (tmp_path / "sweeps" / "sweeps" / "other").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(report, "time", SimpleNamespace(sleep=look))
    assert main(watch(tmp_path)) == 0
    said = capsys.readouterr().err
    assert said.count("waiting for its first sweep") == 1
    assert "there is no storage" in said
    assert "9 of 9 trials have ended" in said


def test_a_watch_ends_though_the_search_stopped_some_early(
    tmp_path: Path,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(place / "sweeps", tmp_path / "sweeps")
    trial = sorted((tmp_path / "sweeps" / "trials").iterdir())[0]
    for manifest in trial.glob("*/*/manifest.json"):
        manifest.write_text(manifest.read_text().replace('"finished"', '"pruned"'))

    def look(seconds: float) -> None:
        raise AssertionError("the watch waits for a trial that has ended")

    monkeypatch.setattr(report, "time", SimpleNamespace(sleep=look))
    assert main([*watch(tmp_path)]) == 0
    assert "9 of 9 trials have ended" in capsys.readouterr().err


def test_a_watch_waits_for_the_answers_of_trained_models(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All trials have ended, but the driver is at work: it asks what the grid asks."""
    shutil.copytree(place / "sweeps", tmp_path / "sweeps")
    sweep = next((tmp_path / "sweeps" / "sweeps" / "small").glob("*/sweep.json")).parent
    trial = sorted((tmp_path / "sweeps" / "trials").iterdir())[0]
    pages = []

    def look(seconds: float) -> None:
        pages.append((tmp_path / "out" / "index.html").read_text("utf-8"))
        SweepFolder(tmp_path / "sweeps").evaluation(
            trial.name, "nll-1", {"epoch": 3, "time_ms": 1, "metrics": {"nll": 12.5}}
        )
        driver.close()

    monkeypatch.setattr(report, "time", SimpleNamespace(sleep=look))
    with ExitStack() as driver:
        driver.enter_context(hold_lease(sweep))
        assert main([*watch(tmp_path)]) == 0
    assert ['"reload": 10' in page for page in pages] == [True]
    assert "evaluation/nll" in (tmp_path / "out" / "trials.csv").read_text("utf-8")


def test_a_watched_report_loads_itself_again(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep is not finished at the first look, and interrupted at the second."""
    shutil.copytree(place / "sweeps", tmp_path / "sweeps")
    trial = sorted((tmp_path / "sweeps" / "trials").iterdir())[0]
    for manifest in trial.glob("*/*/manifest.json"):
        manifest.write_text(manifest.read_text().replace('"finished"', '"running"'))
    pages = []

    def look(seconds: float) -> None:
        pages.append((tmp_path / "out" / "index.html").read_text("utf-8"))
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "time", SimpleNamespace(sleep=look))
    assert main([*watch(tmp_path), "--every", "30"]) == 0
    assert '"reload": 30' in pages[0]
    assert "8 of 9 trials" in pages[0]
    assert '"reload": null' in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_export_writes_both_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "export", "small", "--out", str(tmp_path / "out"))
    names = sorted(Path(path).name for path in found["files"])
    assert names == ["history.csv", "history.parquet", "trials.csv", "trials.parquet"]


def test_an_experiment_that_is_not_there_names_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["fit", "smal"]) == 2
    assert "small" in capsys.readouterr().err
