"""What reads results on a machine that has trained none of them, and how it calls the bucket."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweeper.cli import main
from sweeper.storage.addresses import storage_path
from sweeper.tracking.tags import NOTE
from tests.sweeper.bucket.object_store import Place
from tests.sweeper.bucket.test_bucket_sweep import run_inline
from tests.sweeper.mlflow_view import READY
from tests.sweeper.small import planned, small_sweep, undisturbed

pytestmark = [*READY, pytest.mark.usefixtures("patient")]
LAW = ["--x", "sigma", "--y", "test/kl"]
ASKED = [["fit", "demo", *LAW], ["rank", "demo", "--metric", "test/kl"]]
FILES = [
    ["report", "demo", "--out", "written"],
    ["export", "demo", "--out", "written"],
    ["sample", "sigma=0.2", "seed=0", "--out", "written/samples.png"],
]
UNKNOWN = [
    (["fit", "other", *LAW], "no experiment 'other' in {address}; experiments there: demo"),
    (["sample", "sigma=9"], "there is no trial 'sigma=9' in {address}"),
]


def test_another_machine_reads_what_a_folder_says(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = [
        planned(sigma=sigma, seed=seed, epochs=2) for sigma in (0.1, 0.2, 0.4) for seed in range(3)
    ]
    sweep = small_sweep(place.folder, *trials, storage=storage_path(place.address))
    run_inline(sweep)
    folder = undisturbed(place.folder, trials, packed=True).storage
    place.be("two")
    (place.folder / "written").mkdir()
    monkeypatch.chdir(place.folder)
    capsys.readouterr()

    def said(words: list[str], storage: str | Path) -> str:
        assert main([*words, "--storage", str(storage)]) == 0
        return capsys.readouterr().out

    for words in ASKED:
        answer = said([*words, "--json"], place.address)
        assert answer == said([*words, "--json"], folder)
        assert answer
    for words in FILES:
        said(words, place.address)
    assert (place.folder / "written" / "samples.png").stat().st_size > 0
    (page,) = (place.folder / "written").glob("**/*.html")
    assert place.address in page.read_text("utf-8")
    assert "/buckets/" not in page.read_text("utf-8")
    assert list((place.folder / "written").glob("**/*.parquet"))
    for words, sentence in UNKNOWN:
        assert main([*words, "--storage", place.address]) == 2
        assert sentence.format(address=place.address) in " ".join(capsys.readouterr().err.split())
    found = MlflowClient(tracking_uri=sweep.tracking).get_experiment_by_name("demo")
    assert found is not None
    note = str(found.tags[NOTE])
    assert f"`sweeper report demo --storage {place.address}` writes the report" in note
