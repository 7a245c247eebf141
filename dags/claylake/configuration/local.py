"""The settings' section of a lake in a folder of this machine: `deployed` has that of a lake on AWS."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import field_validator

from claylake.configuration.section import Section, setting

CATALOGUE_FILE = "catalogue.sqlite"
DATABASE = "claylake"
_MISREAD = "?#%"
"""Characters that begin a query, a fragment or an escape where an address is taken apart, as each library does anew."""


class Local(Section):
    """Where a lake on this machine is, and the encoder that it is filled with."""

    folder: str = setting(
        ..., "Folder of the lake, an absolute path: the tables' catalogue, their files, and the run folders."
    )
    encoder: str = setting(..., "Folder of the encoder artefact, an absolute path.")
    database: str = setting(DATABASE, "Namespace of the tables.", pattern=r"^[a-z_][a-z0-9_]{0,62}$")

    @field_validator("folder", "encoder")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/") or not value.isprintable() or any(char in _MISREAD for char in value):
            msg = f"give an absolute path without control characters and {' '.join(_MISREAD)}: such a path is misread"
            raise ValueError(msg)
        return str(PurePosixPath(value))

    @property
    def lake(self) -> str:
        """The folder as Iceberg's tables name it; not escaped, as Iceberg and Hadoop take it."""
        return f"file://{self.folder}"

    @property
    def catalogue_path(self) -> str:
        """File of the tables' catalogue, which Spark and pyiceberg both open."""
        return f"{self.folder}/{CATALOGUE_FILE}"

    @property
    def catalogue_uri(self) -> str:
        """The same as a database's address, as SQLAlchemy takes it."""
        return f"sqlite:///{self.catalogue_path}"

    @property
    def maintenance(self) -> Literal["jobs"]:
        """Who maintains the tables: the run itself."""
        return "jobs"
