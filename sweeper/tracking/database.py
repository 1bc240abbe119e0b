"""Check a tracking store on a database server: its driver and the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.sources.tracking_address import without_password
from sweeper.errors import UserError
from sweeper.tracking.schema_version import QUERY, check_schema
from sweeper.tracking.server_check import Refused

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection
    from sqlalchemy.exc import SQLAlchemyError

__all__ = ["check_database", "check_database_takes", "with_driver"]

PATIENCE = 10  # seconds
PACKAGES = {
    "postgresql": "psycopg2-binary",
    "postgresql+psycopg2": "psycopg2-binary",
    "postgresql+psycopg": "psycopg[binary]",
    "mysql+pymysql": "pymysql",
}
OTHERWISE = "or use sqlite:///mlflow.db, which needs nothing"


def with_driver(uri: str) -> str:
    """The address with the driver that is installed (psycopg2, else psycopg), if it names none.

    SQLAlchemy tries only one of them, which depends on its version.
    """
    if not uri.startswith("postgresql://"):
        return uri
    return _url(uri).render_as_string(hide_password=False)


def check_database(uri: str) -> None:
    """Raise `UserError` if the driver is missing or the connection is refused."""
    import sqlalchemy  # takes 0.3 s to import, and is used for database servers only

    url = _url(uri)
    shown = without_password(uri)
    try:
        engine = sqlalchemy.create_engine(
            url, connect_args={"connect_timeout": PATIENCE}, poolclass=sqlalchemy.NullPool
        )
    except (ImportError, sqlalchemy.exc.ArgumentError) as error:
        named = uri.partition(":")[0]
        package = PACKAGES.get(named, named)
        raise UserError(
            f"no driver for {named} databases is installed ({error}): "
            f"`pip install {package}` and {named}://user@host/name works, "
            f"{OTHERWISE}"
        ) from error
    try:
        with engine.connect() as connection:
            found, narrow = _schema(connection), _narrow_characters(connection)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise UserError(
            f"the tracking database {shown} cannot be opened ({_cause(error)}); start it, "
            f"correct `tracking`, {OTHERWISE}"
        ) from error
    if narrow:
        raise UserError(
            f"the tracking database {shown} has the character set {narrow}, which has no σ; make "
            "a new one with `CREATE DATABASE name CHARACTER SET utf8mb4`, "
            f"{OTHERWISE}"
        )
    check_schema(uri, found)


def check_database_takes(uri: str) -> None:
    """Raise `Refused` if the address's user may not change MLflow's tables; changes nothing."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(
        _url(uri), connect_args={"connect_timeout": PATIENCE}, poolclass=sqlalchemy.NullPool
    )
    try:
        with engine.connect() as connection:
            if _schema(connection) is None:
                return
            connection.execute(
                sqlalchemy.text("UPDATE alembic_version SET version_num = version_num")
            )
            connection.rollback()
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise Refused(
            f"the tracking database {without_password(uri)} refuses what is written to it "
            f"({_cause(error)}); have its owner grant this user its tables, {OTHERWISE}"
        ) from error


def _cause(error: SQLAlchemyError) -> str:
    """The first line of what the driver said."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


def _schema(connection: Connection) -> str | None:
    """The version of MLflow's tables; None where there are none."""
    import sqlalchemy

    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(sqlalchemy.text(QUERY)).first()
    return str(row[0]) if row else None


def _narrow_characters(connection: Connection) -> str | None:
    """The character set of a MySQL or MariaDB database that cannot hold every name of a run."""
    import sqlalchemy

    if connection.dialect.name not in ("mysql", "mariadb"):
        return None
    found = str(connection.execute(sqlalchemy.text("SELECT @@character_set_database")).scalar())
    return None if found == "utf8mb4" else found


def _url(uri: str) -> URL:
    import sqlalchemy

    from analysis.sources.mlflow_sql import database_url

    try:
        return database_url(uri)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise UserError(
            f"the tracking address {without_password(uri)!r} cannot be read; write it as "
            f"postgresql://user:password@host:5432/name, {OTHERWISE}"
        ) from error
