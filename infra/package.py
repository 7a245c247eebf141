"""Put together what EMR steps load: code, job scripts, jars and the model artefact.

The folder has the layout of ``<artifacts>/`` in the bucket (see `claylake.release`). Zip entries
carry a fixed date, so equal sources give equal bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from typing import TYPE_CHECKING

from claylake.vocabulary import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CODE = "claylake.zip"
RUNNABLE = (
    "model/__init__.py",
    "model/format.py",
    "model/lean.py",
    "model/processor.py",
    "model/program.py",
    "model/execution.py",
)
"""What executors run an encoder with: its program, or the module with the same weights where that cannot be loaded."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def sources(folder: Path) -> list[Path]:
    """The Python files of a package folder and the data beside them (JSON, CSS, JavaScript), in order."""
    found = (path for pattern in ("*.py", "*.json", "*.css", "*.js") for path in folder.rglob(pattern))
    return sorted(path for path in found if "__pycache__" not in path.parts)


def digest(paths: Iterable[Path]) -> str:
    """Digest of files' contents, 12 hex digits."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def write_code(root: Path, target: Path) -> None:
    """Zip the packages `claylake` and `spark`, and of `model` what executors run, for ``--py-files``."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, name in code(root):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def code(root: Path) -> list[tuple[Path, str]]:
    """Each file that steps import or read beside their code, and its name in the zip."""
    found = [(path, path.relative_to(root / "dags").as_posix()) for path in sources(root / "dags/claylake")]
    found += [(path, path.relative_to(root).as_posix()) for path in sources(root / "spark")]
    return found + [(root / name, name) for name in RUNNABLE]


def assemble(root: Path, out: Path, *, jars: Path, models: Iterable[Path]) -> Path:
    """Fill `out` with code, the steps' scripts, jars and model artefacts; gives `out`.

    Args:
        root: The checkout.
        out: Folder to fill; what it holds is removed first.
        jars: Folder of the checked jars.
        models: Folders of model artefacts.
    """
    shutil.rmtree(out, ignore_errors=True)
    (out / "jobs").mkdir(parents=True)
    write_code(root, out / CODE)
    for step in STEPS:
        shutil.copy2(root / f"spark/jobs/{step}.py", out / "jobs")
    _link_all(jars.glob("*.jar"), out / "jars")
    for model in models:
        _link_all(model.iterdir(), out / "model" / model.name)
    return out


def _link_all(paths: Iterable[Path], folder: Path) -> None:
    """Hard links where possible: jars are large."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        try:
            os.link(path, folder / path.name)
        except OSError:
            shutil.copy2(path, folder)
