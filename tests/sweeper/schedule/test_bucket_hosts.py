"""On real hosts that share no folder: both train one sweep, whose storage is on a bucket.

One of them has the data set; the other one gets it from the bucket.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.chaos.promises import equal_results
from sweeper.grid.loading import load
from sweeper.storage import ledger
from sweeper.storage.attempts import load_state
from tests.sweeper.bucket.object_store import BUCKET, object_store, settings_of
from tests.sweeper.mlflow_view import THIRD_PARTY
from tests.sweeper.schedule.test_hosts import MEETING
from tests.sweeper.small import newest, undisturbed
from tests.three_hosts import GATEWAY, HEAD, NEEDS_HOSTS, three_hosts
from tests.trainers.test_data_files import write_faces

pytestmark = [*THIRD_PARTY, NEEDS_HOSTS, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
ADDRESS = f"s3://{BUCKET}/hosts"
GRID = """
experiment: hosts
data: frey_face
send_data: true
seeds: 1
defaults: {{network: linear, d_z: 2, epochs: 2, batch_size: 64}}
components: [{folder}/meeting.py]
evaluate: [{{meeting: {{folder: {folder}/met}}}}]
trials:
  - {{model: sigma_vae, sigma: [0.1, 0.2, 0.3, 0.4]}}
cluster: {cluster}
"""


@pytest.mark.timeout(900)
def test_hosts_that_share_nothing_train_one_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No host trains a second trial before both have trained one."""
    with object_store("0.0.0.0") as port, three_hosts() as hosts:

        def settings(machine: str) -> dict[str, str]:
            return settings_of(f"http://{GATEWAY}:{port}", hosts.folder / machine / "cache")

        data = hosts.folder / "cla" / "data"
        data.mkdir()
        write_faces(data)
        (hosts.folder / "met").mkdir()
        (hosts.folder / "meeting.py").write_text(MEETING)
        grid = hosts.folder / "grid.yaml"
        grid.write_text(GRID.format(folder=hosts.folder, cluster=HEAD))
        for host in ("cla", "clb"):
            hosts.start_ray(host, more=settings(host))
        tracking = f"sqlite:///{hosts.folder}/cla/mlflow.db"
        words = ["--storage", ADDRESS, "--tracking", tracking, "--json"]
        done = subprocess.run(
            hosts.command(
                "cla",
                [sys.executable, "-m", "sweeper", "run", str(grid), *words],
                "; ".join(hosts.masks("cla")),
            ),
            env=hosts.settings({**settings("cla"), "SWEEPER_DATA": str(data)}),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["finished"] == 4
        for name, value in settings_of(f"http://127.0.0.1:{port}", tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SWEEPER_DATA", str(data))
        sweep = load(grid, storage=ADDRESS, tracking=tracking)
        commits = [newest(sweep, trial) for trial in sweep.trials]
        assert {one.manifest["host"] for one in commits} == {"cla", "clb"}
        copies = hosts.folder.glob("*/cache/sweeper/data/*/frey_rawface.mat")
        assert [path.relative_to(hosts.folder).parts[0] for path in copies] == ["clb"]
        assert all(map(load_state, commits))
        assert ledger.has_finished(sweep.storage, sweep.trials[0].id)
        other = undisturbed(tmp_path, sweep.trials, packed=True)
        promise = equal_results(sweep, other)
        assert promise.of == 4
        assert not promise.lost
