"""The password of an MLflow server: MLflow's basic-auth with one user, made for the server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from cluster.private_files import private_text

__all__ = ["CONFIGURATION", "USER", "Login"]

USER = "sweeper"
# Without the cache the server takes 0.17 s to check the password at every call.
CONFIGURATION = """\
[mlflow]
default_permission = READ
database_uri = {database}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""


@dataclass(frozen=True)
class Login:
    """Files for MLflow's basic-auth in a folder; passwords are in files of mode 0600.

    The password is MLflow's for its administrator, whom it makes when it first starts.
    """

    folder: Path

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    def password(self) -> str:
        """The password, which is drawn when it is first asked for."""
        return private_text(self.password_file, secrets.token_urlsafe(24))

    def settings(self) -> dict[str, str]:
        """Environment variables for the server; makes the files."""
        database = self.folder / "users.db"
        if not database.exists():  # MLflow would make it by the umask
            private_text(database, "")
        configuration = self.folder / "basic_auth.ini"
        configuration.write_text(
            CONFIGURATION.format(database=f"sqlite:///{database}"), encoding="utf-8"
        )
        return {
            "MLFLOW_AUTH_CONFIG_PATH": str(configuration),
            "MLFLOW_AUTH_ADMIN_USERNAME": USER,
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.password(),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": private_text(
                self.folder / "session_key", secrets.token_urlsafe(32)
            ),
        }
