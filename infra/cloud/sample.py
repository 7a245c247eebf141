"""A build of a few bytes, for synthesis where there is no real one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from infra.build.manifest import BUILD_MANIFEST
from model.format import COMMITTED, Description, Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def encoder_description(source: Source) -> bytes:
    """The `model.json` of an encoder that was never built, with weights from `source`."""
    description = Description(
        name="sample",
        model_version="sample+000000000000",
        weights_digest=64 * "0",
        arch="cpu",
        architecture={},
        torch="0",
        sensor="sentinel-2-l2a",
        bands=(),
        means=(),
        stds=(),
        wavelengths_um=(),
        gsd_m=10.0,
        chip_px=256,
        max_batch=1,
        dim=1024,
        conventions=(),
        default_convention="tutorial",
        precisions={},
        sha256={},
        source=source,
        note="a sample",
    )
    return json.dumps(asdict(description)).encode()


FILES: Mapping[str, bytes] = {
    "claylake.zip": b"code",
    "jobs/extract.py": b"extract",
    "jars/sedona.jar": b"jar",
    "env/extract.tar.gz": b"environment",
    "env/embed.tar.gz": b"torch",
    "bin/bootstrap.sh": b"#!/bin/bash\n",
    "model/clay-v1.5/model.json": encoder_description(Source(checkpoint="clay-v1.5.ckpt", pin=COMMITTED)),
    "mwaa/requirements.txt": b"pyiceberg\n",
    "mwaa/plugins.zip": b"plugins",
    "mwaa/dags/constraints.txt": b"pyiceberg==1\n",
    "mwaa/dags/claylake_monthly.py": b"dag",
}


def write_sample(folder: Path, extra: Mapping[str, bytes] | None = None) -> Path:
    """Write the files and a manifest like that of ``make build``; gives the folder."""
    files = {**FILES, **(extra or {})}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    sums = "".join(f"{_digest(data)}  {name}\n" for name, data in sorted(files.items()))
    listed = {name: {"sha256": _digest(data), "bytes": len(data)} for name, data in files.items()}
    manifest = {"arch": "cpu", "release": _digest(sums.encode()), "files": listed}
    (folder / BUILD_MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
