"""Manifests for KubeRay: a Ray cluster, and a job that runs a command on one of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.errors import ClusterError
from cluster.mlflow_manifests import SECRET, USER, require_quantity

__all__ = ["SPOT", "KubeRay", "grid_map"]

Manifest = dict[str, Any]

API = "ray.io/v1"
GRACE_S = 120  # a node that is taken away ends its epoch meanwhile
LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
FORMS = {
    "image": (r"[\w.:/@-]+", "NAME:TAG"),
    "claim": (LABEL, "the name of a PersistentVolumeClaim"),
    "data": (LABEL, "the name of a PersistentVolumeClaim"),
    "credentials": (LABEL, "the name of a Secret"),
}
SPOT = {  # what the nodes of a cloud that may be taken away are marked with
    "gke": ("cloud.google.com/gke-spot", "true"),
    "aks": ("kubernetes.azure.com/scalesetpriority", "spot"),
    "karpenter": ("karpenter.sh/capacity-type", "spot"),
}
GRID, DATA = "/grid", "/data"
MOST = 1_000_000  # bytes that a ConfigMap holds


@dataclass(frozen=True)
class KubeRay:
    """A Ray cluster whose workers come and go with what its trials ask for.

    Parameters
    ----------
    name : of all its objects. image : has the program, its Python and Ray. ray : Ray's version.
    storage : the folder at which every pod sees the claim, or the address of a bucket.
    claim : a PersistentVolumeClaim that many nodes can write (ReadWriteMany); "" with a bucket.
    data : another, with data sets; "" for none.
    workers : the least and the greatest number of workers. cpus, memory, gpus : of each worker.
    spot : a key of `SPOT`, for workers on machines that may be taken away; "" for others.
    credentials : a Secret with environment variables of all pods; "" for none.
    """

    name: str
    image: str
    ray: str
    storage: str
    claim: str = ""
    data: str = ""
    workers: tuple[int, int] = (1, 1)
    cpus: int = 1
    memory: str = "8Gi"
    gpus: int = 0
    spot: str = ""
    credentials: str = ""
    gpu_type: str = ""

    def __post_init__(self) -> None:
        for name, (pattern, rule) in FORMS.items():
            value = getattr(self, name)
            if not re.fullmatch(pattern, value) and (value or name == "image"):
                raise ClusterError(f"--{name} must be {rule}, not {value!r}")
        if bool(self.claim) == ("://" in self.storage):
            raise ClusterError(
                "pods see the storage by --claim, the name of a PersistentVolumeClaim, unless it "
                f"is a bucket, which takes no claim; --claim is {self.claim!r}, and the storage "
                f"{self.storage}"
            )
        require_quantity("--memory", self.memory)
        least, most = self.workers
        if not (0 <= least <= most and most >= 1 and self.cpus >= 1 and self.gpus >= 0):
            raise ClusterError(
                f"there must be at least one worker with a core, and are --min-workers {least}, "
                f"--workers {most}, --cpus {self.cpus} and --gpus {self.gpus}"
            )

    def cluster(self) -> Manifest:
        """A RayCluster that stays."""
        return {**_object("RayCluster", self.name), "spec": self._spec([])}

    def job(self, entrypoint: str, grid: Mapping[str, str]) -> Manifest:
        """A RayJob that runs a command on a cluster which ends with it.

        grid : the path below `GRID` of each key of the ConfigMap ``NAME-grid``. A driver that
        fails, or loses its head, is started again on a new cluster, and goes on.
        """
        items = [{"key": key, "path": path} for key, path in grid.items()]
        volume = {"name": "grid", "configMap": {"name": f"{self.name}-grid", "items": items}}
        return {
            **_object("RayJob", self.name),
            "spec": {
                "entrypoint": entrypoint,
                "submissionMode": "K8sJobMode",
                "shutdownAfterJobFinishes": True,
                "ttlSecondsAfterFinished": 300,
                "backoffLimit": 3,
                "rayClusterSpec": self._spec([volume]),
            },
        }

    def _spec(self, volumes: list[Manifest]) -> Manifest:
        """Ray's head starts no trials; its autoscaler starts and ends workers."""
        least, most = self.workers
        mounts = [{"name": one["name"], "mountPath": GRID, "readOnly": True} for one in volumes]
        head = self._pod("ray-head", {"cpu": "2", "memory": "8Gi"}, volumes, mounts)
        head["spec"]["containers"][0]["env"] += _login()
        return {
            "rayVersion": self.ray,
            "authOptions": {"mode": "token"},
            "enableInTreeAutoscaling": True,
            "autoscalerOptions": {"version": "v2", "idleTimeoutSeconds": 300},
            "headGroupSpec": {"rayStartParams": {"num-cpus": "0"}, "template": head},
            "workerGroupSpecs": [
                {
                    "groupName": "gpu" if self.gpus else "cpu",
                    "replicas": least,
                    "minReplicas": least,
                    "maxReplicas": most,
                    "rayStartParams": self._kind(),
                    "template": self._worker(),
                }
            ],
        }

    def _kind(self) -> dict[str, str]:
        """The kind of the workers' GPUs, which the autoscaler knows of no worker before it runs.

        The form, JSON between quotes for the shell, is that which KubeRay and Ray read.
        """
        if not (self.gpus and self.gpu_type):
            return {}
        text = json.dumps({f"accelerator_type:{self.gpu_type}": 1})
        return {"resources": '"' + text.replace('"', '\\"') + '"'}

    def _worker(self) -> Manifest:
        amounts: dict[str, str] = {"cpu": str(self.cpus), "memory": self.memory}
        taints = []
        if self.gpus:
            amounts["nvidia.com/gpu"] = str(self.gpus)
            taints.append({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"})
        pod = self._pod("ray-worker", amounts, [], [])
        pod["spec"]["terminationGracePeriodSeconds"] = GRACE_S
        if self.spot:
            key, value = SPOT[self.spot]
            mark = {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}
            taints.append(mark)
            pod["spec"]["nodeSelector"] = {key: value}
        pod["spec"]["tolerations"] = taints
        return pod

    def _pod(
        self,
        name: str,
        amounts: Mapping[str, str],
        volumes: list[Manifest],
        mounts: list[Manifest],
    ) -> Manifest:
        places = {"storage": (self.claim, self.storage), "data": (self.data, DATA)}
        claims = {volume: place for volume, place in places.items() if place[0]}
        given = [_claimed(volume, claim) for volume, (claim, _) in claims.items()]
        seen = [{"name": volume, "mountPath": path} for volume, (_, path) in claims.items()]
        env = {
            "MALLOC_ARENA_MAX": "1",  # as in cluster.base
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": str(GRACE_S - 20),
            **({"SWEEPER_DATA": DATA} if self.data else {}),
        }
        container: Manifest = {
            "name": name,
            "image": self.image,
            "env": [{"name": key, "value": value} for key, value in env.items()],
            "resources": {"requests": dict(amounts), "limits": dict(amounts)},
            "volumeMounts": [*seen, *mounts],
        }
        if self.credentials:
            container["envFrom"] = [{"secretRef": {"name": self.credentials}}]
        # Ray's autoscaler takes a container that starts again in its place for the lost one.
        return {
            "spec": {
                "restartPolicy": "Never",
                "securityContext": {"fsGroup": 1000},  # of the image's user, who writes volumes
                "containers": [container],
                "volumes": [*given, *volumes],
            }
        }


def grid_map(name: str, files: Mapping[str, str]) -> tuple[Manifest, dict[str, str]]:
    """A ConfigMap of a grid and its components, and the path of each of its keys.

    files : texts by their paths, the grid's first; a key has no slash and is ASCII.
    """
    paths = {f"file-{number}": path for number, path in enumerate(files)}
    texts = dict(zip(paths, files.values(), strict=True))
    size = sum(len(text.encode()) for text in texts.values())
    if size > MOST:
        raise ClusterError(
            f"the grid and its components have {size} bytes, and Kubernetes takes {MOST}; put "
            "them into the image"
        )
    return {**_object("ConfigMap", f"{name}-grid", "v1"), "data": texts}, paths


def _object(kind: str, name: str, api: str = API) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}}


def _claimed(name: str, claim: str) -> Manifest:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}


def _login() -> list[Manifest]:
    """The driver alone writes to MLflow; without the secret it logs in nowhere."""
    password = {"name": SECRET, "key": "password", "optional": True}
    return [
        {"name": "MLFLOW_TRACKING_USERNAME", "value": USER},
        {"name": "MLFLOW_TRACKING_PASSWORD", "valueFrom": {"secretKeyRef": password}},
    ]
