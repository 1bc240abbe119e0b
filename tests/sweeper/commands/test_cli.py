"""The command answers at once, with the promised exit codes, and never with a traceback."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import sweeper.commands.run as run_command
from analysis.errors import AnalysisError
from sweeper.cli import main, parser
from sweeper.commands import Command, commands
from sweeper.commands.cluster import PLACES
from sweeper.errors import UserError
from sweeper.sweep import Outcome
from tests.sweeper.grids import grid_text, write_grid

HEAVY = (
    "torch",
    "ray",
    "mlflow",
    "pandas",
    "plotly",
    "pydantic",
    "numpy",
    "scipy",
    "rich",
    "ruamel",
)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom sweeper.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as error:\n    assert not error.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for command in commands():
        assert command.NAME in done.stdout


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.NAME)
def test_every_command_has_help(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command.NAME, "--help"])
    assert caught.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert command.NAME in out
    assert f"example: {command.EXAMPLE}" in out
    program, *words = shlex.split(command.EXAMPLE)
    assert program == "sweeper"
    assert parser().parse_args(words).run == command.run


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_a_cluster_has_an_example(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["cluster", place, "--help"])
    assert caught.value.code == 0
    _, _, example = " ".join(capsys.readouterr().out.split()).partition("example: ")
    program, *words = shlex.split(example.partition(" >")[0])
    assert program == "sweeper"
    assert parser().parse_args(words).place == place


@pytest.mark.parametrize(
    "arguments", [["run"], ["plan", "a", "--jsn"], ["plan", "a", "--js"], ["--hepl"]]
)
def test_a_wrong_command_line_is_a_user_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("fitt", "there is no command 'fitt'; did you mean 'fit'?"),
        ("xyzzy", "there is no command 'xyzzy'; `sweeper --help` shows every command"),
        ("digits", "digits is a grid, not a command: `sweeper run digits` trains it"),
        ("my.yaml", "my.yaml is a grid, not a command: `sweeper run my.yaml` trains it"),
    ],
)
def test_a_word_that_is_no_command_is_told_what_is_near(
    word: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 2
    assert " ".join(capsys.readouterr().err.split()) == f"error: {told}"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("wrong", "g.yaml", 3), 2, "error: g.yaml:3: wrong"),
        (AnalysisError("no [such] law"), 2, "error: no [such] law"),
        (OSError(28, "No space left", "a/b"), 2, "error: a/b: No space left"),
        (OSError(24, "Too many open files"), 2, "error: Too many open files"),
        (
            FileNotFoundError(2, "No such file", "a/b"),
            70,
            "error: unexpected FileNotFoundError: [Errno 2] No such file: 'a/b' "
            "(SWEEPER_DEBUG=1 shows the traceback)",
        ),
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (
            ZeroDivisionError("x"),
            70,
            "error: unexpected ZeroDivisionError: x (SWEEPER_DEBUG=1 shows the traceback)",
        ),
    ],
)
def test_every_error_is_one_message(
    error: BaseException,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.delenv("SWEEPER_DEBUG", raising=False)
    monkeypatch.setattr("sweeper.commands.plan.run", fail)
    assert main(["plan", "grid"]) == code
    out, err = capsys.readouterr()
    assert err.strip() == words
    assert out == ""


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("sweeper.grid.loading.load", "interrupted before anything was trained"),
        ("sweeper.driver.run.run", "interrupted outside training, and nothing is lost"),
        (
            "sweeper.commands.run.write_report",
            "interrupted in the middle of the report; what was trained",
        ),
    ],
)
def test_ctrl_c_outside_training_says_how_to_go_on(
    where: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        signal.raise_signal(signal.SIGINT)

    path = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    monkeypatch.setattr(
        "sweeper.driver.run.run",
        lambda sweep, options: Outcome("e", 3, 3, 0, 0, 1.0, None, "sqlite:///x"),
    )
    monkeypatch.setattr(where, interrupt)
    monkeypatch.setattr("sys.argv", ["sweeper", "run", "my grid.yaml"])
    assert main(["run", str(path), "--storage", str(tmp_path)]) == 130
    err = capsys.readouterr().err
    assert words in err
    assert err.endswith("the same command goes on: sweeper run 'my grid.yaml'\n")


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setenv("SWEEPER_DEBUG", "1")
    monkeypatch.setattr("sweeper.commands.plan.run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["plan", "grid"])


def test_a_bad_grid_ends_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: -0.1}"))
    assert main(["run", str(path), "--json"]) == 2
    out, err = capsys.readouterr()
    message = f"error: {path}:6: trials[0].sigma: must be greater than 0, not -0.1"
    assert err.splitlines() == [f"reading {path}", message]
    assert out == ""


UI, PAGES = "sweeper ui --tracking sqlite:///x", "http://h/#/"
VIEW = "workflowType=machine_learning"


@pytest.mark.parametrize(
    ("outcome", "code", "runs"),
    [
        (Outcome("e", 3, 3, 0, 0, 1.0, None, "sqlite:///x"), 0, UI),
        (Outcome("e", 3, 2, 1, 0, 1.0, None, "sqlite:///x"), 1, UI),
        (Outcome("e", 3, 1, 0, 0, 1.0, None, "sqlite:///x", interrupted=True), 130, UI),
        (Outcome("e", 3, 3, 0, 0, 1.0, None, "http://u:***@h"), 0, f"{PAGES}experiments?{VIEW}"),
        (
            Outcome("e", 3, 3, 0, 0, 1.0, None, "http://h", experiment_id="7"),
            0,
            f"{PAGES}experiments/7/runs?{VIEW}&viewStateShareKey=trials",
        ),
    ],
)
def test_run_ends_with_the_code_of_its_outcome_and_says_where_its_runs_are(
    outcome: Outcome,
    code: int,
    runs: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sweeper.driver.run.run", lambda sweep, options: outcome)
    path = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    assert main(["run", str(path), "--storage", str(tmp_path), "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(run_command.SHOWN)
    assert main(["run", str(path), "--storage", str(tmp_path)]) == code
    assert f"runs    {runs}\n" in capsys.readouterr().out


def test_init_writes_a_grid_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "grid.yaml"
    assert main(["init", str(path)]) == 0
    assert main(["plan", str(path), "--storage", str(tmp_path), "--json"]) == 0
    before = path.read_text(encoding="utf-8")
    assert main(["init", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == before
    assert main(["init", str(tmp_path / "no" / "grid.yaml")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_fit_of_a_published_table_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--published", "s1_table1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["nu"] == pytest.approx(1.151, abs=1e-3)
    assert found["p"] == pytest.approx(4.3e-8, rel=0.02)
    assert found["curvature_p"] == pytest.approx(8.5e-5, rel=0.01)
    assert set(found) >= {"nu", "se", "ci_low", "ci_high", "r2", "n", "curvature_p"}


def test_fit_tests_a_value_of_nu(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", "--published", "s1_table1", "--against"]
    assert main([*command, "1"]) == 0
    assert "ν = 1 (1.151 and 1.000) is not tested" in capsys.readouterr().out
    assert main([*command, "1.15", "--json"]) == 0
    assert "fewer than two seeds" in json.loads(capsys.readouterr().out)["against"]["sentence"]
    assert main([*command, "steep"]) == 2
    assert "a published table, or published, not 'steep'" in capsys.readouterr().err
    assert main([*command, "linear"]) == 2
    assert "need an experiment" in capsys.readouterr().err


def test_fit_reads_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--published", "s1_table3"]) == 0
    out = capsys.readouterr().out
    assert "ν = 0.6353" in out
    assert "nan" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit"], "name one source of runs"),
        (["fit", "e", "--published", "s1_table1"], "name one source of runs"),
        (["fit", "--published", "s1_table9"], "s1_table9"),
        (["fit", "e"], "no storage"),
        (["report", "e"], "no storage"),
        (["equivalence", "e"], "no storage"),
        (["export", "e"], "no storage"),
        (["fit", "e", "--where", "model"], "FIELD=VALUE"),
        (["ui", "--tracking", "sqlite:///no.db"], "there is no tracking store"),
    ],
)
def test_what_does_not_exist_is_a_user_error(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_output_into_a_closed_pipe_is_quiet() -> None:
    script = f"{sys.executable} -m sweeper list --json | head -c 10"
    done = subprocess.run(script, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"sweeper {version('sweeper')}\n"


def test_no_command_shows_the_first_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    for line in ("sweeper run digits", "sweeper init grid.yaml", "sweeper --help"):
        assert line in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_completes_commands_and_options(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    assert "equivalence" in script
    assert "retry-failed" in script


@pytest.mark.parametrize(("there", "said"), [(None, "pip install jupyterlab; "), (1, "")])
def test_init_says_what_opens_a_notebook(
    there: object,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sweeper.commands.init.find_spec", lambda _: there)
    path = tmp_path / "first.ipynb"
    assert main(["init", str(path)]) == 0
    assert f"next: {said}jupyter lab {path}" in capsys.readouterr().out
