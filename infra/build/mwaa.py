"""What MWAA is given: requirements.txt, plugins.zip and the DAGs folder.

MWAA unpacks plugins.zip into its plugins folder and syncs the DAGs folder to /usr/local/airflow/dags,
where requirements.txt finds constraints.txt. The stack adds deployed.json.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from infra.build.archive import write_zip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOT_SHIPPED = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", "deployed.json"})


def assemble(root: Path, out: Path) -> None:
    """Fill `out` from a checkout."""
    out.mkdir(parents=True)
    shutil.copyfile(root / "requirements.txt", out / "requirements.txt")
    write_zip(((path, name) for path, name in files(root / "plugins")), out / "plugins.zip")
    for path, name in files(root / "dags"):
        target = out / "dags" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(root / "constraints.txt", out / "dags/constraints.txt")


def files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files to ship and their names, in order; nothing that tools or a local stack have left."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not _NOT_SHIPPED.intersection(name.parts) and path.suffix != ".pyc":
            yield path, name.as_posix()
