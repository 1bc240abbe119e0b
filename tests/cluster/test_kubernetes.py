"""Manifests hold what Kubernetes and KubeRay take, whatever an experiment is called."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kubernetes_validate import utils as kubernetes
from ray.autoscaler._private.kuberay import autoscaling_config

from cluster.errors import ClusterError
from cluster.kubernetes import KubeRay
from cluster.names import plain_name
from sweeper.cli import main, parser
from tests.sweeper.grids import write_grid

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(os.environ.get("SWEEPER_DATA", ""), "kuberay")
NEEDS_SCHEMAS = pytest.mark.skipif(
    "SWEEPER_DATA" not in os.environ or not SCHEMAS.is_dir(),
    reason="needs KubeRay's schemas in the folder kuberay of SWEEPER_DATA",
)
GRID = """
experiment: Größe der Welt + no
components: [parts/own.py]
data: digits
defaults: {network: linear, d_z: 2, epochs: 2}
trials:
  - {model: sigma_vae, sigma: 0.1}   # "quotes" and %YAML 1.1
resources: {cpus: 3, gpus: 0.5}
storage: "/storage of all/on"
"""
OWN = (ROOT / "sweeper/commands/component_templates/uniform_corruption.py").read_text()
ASKED = ["--image", "registry.example.org/sweeper:1", "--claim", "on", "--gpus", "2"]


def write(folder: Path, *more: str, grid: str = GRID) -> int:
    (folder / "parts").mkdir(exist_ok=True)
    (folder / "parts" / "own.py").write_text(OWN)
    path = write_grid(folder, grid)
    return main(["cluster", "kubernetes", str(path), *ASKED, "--out", str(folder / "out"), *more])


def manifests(folder: Path) -> dict[str, dict[str, Any]]:
    """What was written, by kind and name, as a program that reads YAML 1.1 understands it."""
    files = sorted((folder / "out").glob("*.yaml"))
    read = [one for path in files for one in kubernetes.resources_from_file(str(path))]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in read}


def closed(schema: Any) -> Any:
    """The schema, with other properties than those that it names forbidden."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


@functools.cache
def kuberay(kind: str) -> jsonschema.protocols.Validator:
    """What KubeRay takes of a kind; to read its schema takes seconds."""
    schema = closed(json.loads((SCHEMAS / f"{kind}.v1.schema.json").read_text()))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    return validator(schema)


def pods(value: Any) -> list[dict[str, Any]]:
    """Every specification of a pod in a manifest."""
    if isinstance(value, list):
        return [one for part in value for one in pods(part)]
    if not isinstance(value, dict):
        return []
    return [value] * ("containers" in value) + [
        one for part in value.values() for one in pods(part)
    ]


def containers(value: Any) -> list[dict[str, Any]]:
    """All containers of a manifest."""
    return [one for pod in pods(value) for one in pod["containers"]]


@NEEDS_SCHEMAS
@pytest.mark.parametrize("kind", ["RayJob", "RayCluster"])
@pytest.mark.parametrize("more", [[], ["--spot", "aks", "--data", "sets", "--min-workers", "2"]])
def test_kuberay_takes_them(kind: str, more: list[str], tmp_path: Path) -> None:
    assert write(tmp_path, *more, grid=GRID.replace("0.5", "0.5, gpu_type: A100")) == 0
    [found] = [one for name, one in manifests(tmp_path).items() if name.startswith(f"{kind}/")]
    kuberay(kind).validate(found)
    wrong = found | {"spec": found["spec"] | {"unknown": 1}}
    with pytest.raises(jsonschema.ValidationError, match="unknown"):
        kuberay(kind).validate(wrong)


def test_kubernetes_takes_the_others(tmp_path: Path) -> None:
    assert write(tmp_path) == 0
    others = [one for one in manifests(tmp_path).values() if one["apiVersion"] != "ray.io/v1"]
    kinds = sorted(one["kind"] for one in others)
    assert kinds == sorted(
        ["ConfigMap", "Deployment", "PersistentVolumeClaim", "Secret", "StatefulSet"]
        + ["Service"] * 2
    )
    versions = {kubernetes.validate(one, "1.31", strict=True) for one in others}
    assert versions == {"1.31"}


def test_the_driver_finds_its_grid(tmp_path: Path) -> None:
    """The command of the job is one of ours, and the ConfigMap has the file that it names."""
    assert write(tmp_path, "--retry-failed") == 0
    found = manifests(tmp_path)
    [job] = [one for name, one in found.items() if name.startswith("RayJob/")]
    python, *words = shlex.split(job["spec"]["entrypoint"])
    assert (python, words[:3]) == ("python", ["-P", "-m", "sweeper"])
    asked = parser().parse_args(words[3:])
    assert (asked.grid, asked.storage) == ("/grid/grid.yaml", "/storage of all/on")
    assert asked.tracking == "http://sweeper-mlflow:5000"
    assert asked.retry_failed
    [volume] = [
        one["configMap"]
        for one in job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["volumes"]
        if "configMap" in one
    ]
    texts = found[f"ConfigMap/{volume['name']}"]["data"]
    files = {one["path"]: texts[one["key"]] for one in volume["items"]}
    assert files == {"grid.yaml": GRID, "parts/own.py": OWN}


def test_passwords_are_in_the_secret_alone(tmp_path: Path) -> None:
    assert write(tmp_path) == 0
    path = tmp_path / "out" / "secret.yaml"
    assert path.stat().st_mode & 0o777 == 0o600
    values = manifests(tmp_path)["Secret/sweeper-mlflow"]["stringData"]
    words = [values[name] for name in ("database-password", "password", "session-key")]
    assert len(set(words)) == 3
    assert values["store"].startswith(f"postgresql+psycopg2://sweeper:{words[0]}@")
    others = "".join(one.read_text() for one in (tmp_path / "out").glob("*.yaml") if one != path)
    assert not [word for word in words if word in others]
    references = re.findall(r"name: sweeper-mlflow\s+key: ([\w.-]+)", others)
    assert references
    assert set(references) <= set(values)
    before = path.read_text()
    assert write(tmp_path) == 0
    assert path.read_text() == before


def test_volumes_can_be_written_and_places_are_asked_for(tmp_path: Path) -> None:
    """The image's user is no root; a container without a request is the first to be evicted."""
    assert write(tmp_path) == 0
    (uid,) = re.findall(r"--uid (\d+)", (ROOT / "cluster" / "Containerfile").read_text())
    found = pods([*manifests(tmp_path).values()])
    assert len(found) > 3
    for pod in found:
        assert pod["securityContext"]["fsGroup"] == int(uid)
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()


def test_gpus_and_spot(tmp_path: Path) -> None:
    """Two GPUs have room for four packs of half a GPU and three cores."""
    assert write(tmp_path, "--spot", "gke") == 0
    [cluster] = [one for name, one in manifests(tmp_path).items() if "RayCluster" in name]
    [group] = cluster["spec"]["workerGroupSpecs"]
    [worker] = containers(group)
    assert worker["resources"]["limits"] == {"cpu": "12", "memory": "8Gi", "nvidia.com/gpu": "2"}
    assert (group["minReplicas"], group["maxReplicas"]) == (0, 4)
    pod = group["template"]["spec"]
    assert pod["nodeSelector"] == {"cloud.google.com/gke-spot": "true"}
    tolerated = {one["key"] for one in pod["tolerations"]}
    assert tolerated == {"nvidia.com/gpu", "cloud.google.com/gke-spot"}
    assert cluster["spec"]["enableInTreeAutoscaling"] is True
    assert cluster["spec"]["authOptions"] == {"mode": "token"}


def test_rays_autoscaler_knows_what_a_worker_will_have(tmp_path: Path) -> None:
    """A grid that asks for a kind of GPU, which no worker has yet, has one started."""
    grid = GRID.replace("gpus: 0.5", "gpus: 0.5, gpu_type: A100, memory_gb: 4")
    assert write(tmp_path, "--memory", "16Gi", grid=grid) == 0
    [cluster] = [one for name, one in manifests(tmp_path).items() if "RayCluster" in name]
    cluster["metadata"]["namespace"] = "default"
    read = autoscaling_config._derive_autoscaling_config_from_ray_cr(cluster)
    assert read["available_node_types"]["gpu"]["resources"] == {
        "CPU": 12,
        "GPU": 2,
        "memory": 16 * 2**30,
        "accelerator_type:A100": 1,
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("memory_gb: 9", "a pack asks for cpus: 3, gpus: 0.5 and memory_gb: 9, and a node would"),
        ("custom: {licence: 1}", "a pack asks for licence, which only nodes have that are"),
    ],
)
def test_a_pack_that_no_worker_has_room_for(
    asked: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(tmp_path, grid=GRID.replace("gpus: 0.5", f"gpus: 0.5, {asked}")) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_a_tracker_of_ones_own_needs_no_other(tmp_path: Path) -> None:
    assert write(tmp_path, "--tracking", "https://mlflow.example.org") == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["raycluster.yaml", "rayjob.yaml"]
    assert "https://mlflow.example.org" in (tmp_path / "out" / "rayjob.yaml").read_text()


def test_a_bucket_takes_credentials_and_no_claim() -> None:
    ray = KubeRay("name", "image:1", "2.54.0", "s3://lab/sweeps", credentials="aws")
    spec = ray.cluster()["spec"]
    pods = [spec["headGroupSpec"]["template"], spec["workerGroupSpecs"][0]["template"]]
    assert [pod["spec"]["volumes"] for pod in pods] == [[], []]
    sources = [one["envFrom"] for pod in pods for one in containers(pod)]
    assert sources == [[{"secretRef": {"name": "aws"}}]] * 2
    with pytest.raises(ClusterError, match="it is a bucket, which takes no claim"):
        KubeRay("name", "image:1", "2.54.0", "s3://lab/sweeps", "claim")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--claim", ""], "pods see the storage by --claim"),
        (["--storage", "sweeps"], "is a relative path, and would lie in a pod"),
        (["--claim", "My Claim"], "--claim must be the name of a PersistentVolumeClaim"),
        (["--image", "a b"], "--image must be NAME:TAG"),
        (["--memory", "lots"], "--memory must be a number with Mi, Gi or Ti"),
        (["--volume-size", "lots"], "--volume-size must be a number with Mi, Gi or Ti"),
        (["--workers", "0"], "at least one worker"),
        (["--gpus", "0"], "a pack asks for cpus: 3 and gpus: 0.5, and a node would have"),
        (["--cpus", "1"], "give more with --cpus and --gpus"),
        (["--tracking", "http://me:secret@host:5000"], "the password of the tracker would stand"),
    ],
)
def test_what_it_refuses(
    more: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(tmp_path, *more) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "secret" not in said
    assert not (tmp_path / "out").exists()


def test_a_component_elsewhere_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "grids").mkdir()
    grid = GRID.replace("parts/own.py", "../own.py")
    assert write(tmp_path / "grids", grid=grid) == 2
    assert "does not lie beside the grid or below" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("imaginary-noise", "imaginary-noise"),
        ("Größe der Welt", "groe-der-welt-"),
        ("a" * 99, "a" * 33 + "-"),
        ("日本", "sweep-"),
        ("2nd try", "sweep-2nd-try-"),
        ("a--b", "a-b-"),
        ("-'; rm *", "rm-"),
    ],
)
def test_names(text: str, beginning: str) -> None:
    name = plain_name(text)
    assert name.startswith(beginning)
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", name)


def test_two_experiments_never_share_a_name() -> None:
    texts = ["a b", "a-b", "A-b", "a_b", "日本", "中国", "sweep", "ä b", "a" * 60, "a" * 61]
    assert len({plain_name(text) for text in texts}) == len(texts)
