"""Manifests for Kubernetes: an MLflow server with a password, and its PostgreSQL."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError
from cluster.mlflow_login import CONFIGURATION, USER, Login
from cluster.mlflow_server import SETTINGS, MlflowServer

__all__ = ["ADDRESS", "SECRET", "USER", "mlflow_manifests", "mlflow_secret", "require_quantity"]

Manifest = dict[str, Any]

NAME, DATABASE = "sweeper-mlflow", "sweeper-postgres"
SECRET, PORT, POSTGRES_PORT = NAME, 5000, 5432
ADDRESS = f"http://{NAME}:{PORT}"
POSTGRES = "postgres:17"
LOGIN, ARTIFACTS, RECORDS = "/login", "/artifacts", "/var/lib/postgresql/data"


def mlflow_secret() -> Manifest:
    """A Secret with new passwords, and the files of the server that hold them."""
    database, password = secrets.token_hex(24), secrets.token_urlsafe(24)
    store = f"postgresql+psycopg2://{USER}:{database}@{DATABASE}:{POSTGRES_PORT}/{USER}"
    return {
        **_named("v1", "Secret", SECRET),
        "type": "Opaque",
        "stringData": {
            "database-password": database,
            "password": password,
            "session-key": secrets.token_urlsafe(32),
            "store": store,
            "basic_auth.ini": CONFIGURATION.format(database=store),
        },
    }


def mlflow_manifests(image: str, size: str) -> list[Manifest]:
    """The server, its PostgreSQL, their services and volumes; passwords are in the Secret.

    image : has this program. size : of each volume, as ``20Gi``; raises `ClusterError` for
    another form.
    """
    require_quantity("--volume-size", size)
    return [
        _service(DATABASE, POSTGRES_PORT),
        _postgres(size),
        _service(NAME, PORT),
        {**_named("v1", "PersistentVolumeClaim", NAME), "spec": _volume(size)},
        _server(image),
    ]


def require_quantity(option: str, value: str) -> int:
    """The number of bytes as which Kubernetes takes a value; raises `ClusterError` otherwise."""
    if not (found := re.fullmatch(r"([1-9]\d*)(Mi|Gi|Ti)", value)):
        raise ClusterError(f"{option} must be a number with Mi, Gi or Ti, not {value!r}")
    return int(found[1]) << {"Mi": 20, "Gi": 30, "Ti": 40}[found[2]]


def _postgres(size: str) -> Manifest:
    container = {
        "name": "postgres",
        "image": POSTGRES,
        "env": [
            {"name": "POSTGRES_USER", "value": USER},
            {"name": "POSTGRES_DB", "value": USER},
            {"name": "PGDATA", "value": f"{RECORDS}/pgdata"},
            _secret_value("POSTGRES_PASSWORD", "database-password"),
        ],
        "ports": [{"containerPort": POSTGRES_PORT}],
        "readinessProbe": {"exec": {"command": ["pg_isready", "-U", USER]}},
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
        "volumeMounts": [{"name": "records", "mountPath": RECORDS}],
    }
    claim = {"metadata": {"name": "records"}, "spec": _volume(size)}
    return {
        **_named("apps/v1", "StatefulSet", DATABASE),
        "spec": {
            "serviceName": DATABASE,
            "replicas": 1,
            "selector": {"matchLabels": {"app": DATABASE}},
            "template": _pod(DATABASE, container, []),
            "volumeClaimTemplates": [claim],
        },
    }


def _server(image: str) -> Manifest:
    """One replica, which ends before another starts, as its files are one claim."""
    login = [{"key": "basic_auth.ini", "path": "basic_auth.ini"}]
    volumes = [
        {"name": "artifacts", "persistentVolumeClaim": {"claimName": NAME}},
        {"name": "login", "secret": {"secretName": SECRET, "items": login}},
    ]
    return {
        **_named("apps/v1", "Deployment", NAME),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": NAME}},
            "template": _pod(NAME, _mlflow(image), volumes),
        },
    }


def _mlflow(image: str) -> Manifest:
    """The container of the server."""
    server = MlflowServer("", PORT, Path(ARTIFACTS), "0.0.0.0", (NAME,), Login(Path(LOGIN)))
    probe = {
        "path": "/health",
        "port": PORT,
        "httpHeaders": [{"name": "Host", "value": "localhost"}],
    }
    return {
        "name": "mlflow",
        "image": image,
        "command": ["python", *server.command()[1:]],
        "env": [
            *({"name": name, "value": value} for name, value in SETTINGS.items()),
            {"name": "MLFLOW_AUTH_CONFIG_PATH", "value": f"{LOGIN}/basic_auth.ini"},
            {"name": "MLFLOW_AUTH_ADMIN_USERNAME", "value": USER},
            _secret_value("MLFLOW_AUTH_ADMIN_PASSWORD", "password"),
            _secret_value("MLFLOW_FLASK_SERVER_SECRET_KEY", "session-key"),
            _secret_value("MLFLOW_BACKEND_STORE_URI", "store"),
        ],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"httpGet": probe, "timeoutSeconds": 5},
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}},
        "volumeMounts": [
            {"name": "artifacts", "mountPath": ARTIFACTS},
            {"name": "login", "mountPath": LOGIN, "readOnly": True},
        ],
    }


def _pod(app: str, container: Manifest, volumes: list[Manifest]) -> Manifest:
    """The group can write the volumes, whoever the user of the image is."""
    return {
        "metadata": {"labels": {"app": app}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {"fsGroup": 1000},
            "containers": [container],
            "volumes": volumes,
        },
    }


def _service(name: str, port: int) -> Manifest:
    ports = [{"port": port, "targetPort": port}]
    return {**_named("v1", "Service", name), "spec": {"selector": {"app": name}, "ports": ports}}


def _volume(size: str) -> Manifest:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}


def _secret_value(name: str, key: str) -> Manifest:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": key}}}


def _named(api: str, kind: str, name: str) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}}
