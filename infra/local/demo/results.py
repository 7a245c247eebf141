"""Receipts, pictures and the table at the end of the demo."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from infra.local.options import LAKE_BUCKET

COLUMNS = ("month", "state", "scenes", "candidates", "chips", "rejected", "failed", "vectors", "seconds")


def collect(
    env: Mapping[str, str], dag_id: str, month: str, out: Path, *, seconds: float, state: str
) -> dict[str, Any]:
    """Copy the newest run folder of a month to `out`; gives the month's row.

    Counts are those of the run's own receipt: of what it did, not of what the tables hold.
    """
    s3 = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    prefix = f"runs/{dag_id}/{month}/"
    objects = [
        entry
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE_BUCKET, Prefix=prefix)
        for entry in page.get("Contents", [])
    ]
    row: dict[str, Any] = {"month": month, "state": state, "seconds": round(seconds, 1), "report": None}
    if not objects:
        return row
    newest = max(objects, key=lambda entry: entry["LastModified"])["Key"].removeprefix(prefix).split("/")[0]
    for entry in objects:
        name = entry["Key"].removeprefix(prefix + newest + "/")
        if entry["Key"].startswith(prefix + newest + "/"):
            target = out / name
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(LAKE_BUCKET, entry["Key"], str(target))
    receipt = out / "receipt.json"
    if receipt.exists():
        row |= summary(json.loads(receipt.read_text(encoding="utf-8")))
    report = out / "report/index.html"
    row["report"] = str(report) if report.exists() else None
    return row


def summary(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the table that a receipt answers."""
    return {name: receipt.get(name) for name in ("scenes", "candidates", "chips", "rejected", "failed", "vectors")}


def write(out: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """``demo.json``: ``{"runs": [row, ...]}``."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "demo.json"
    path.write_text(json.dumps({"runs": list(rows)}, indent=1) + "\n", encoding="utf-8")
    return path


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as text, then where each month's pictures are."""
    lines = ["  ".join(f"{name:>10}" for name in COLUMNS)]
    for row in rows:
        cells = ("-" if row.get(name) is None else row[name] for name in COLUMNS)
        lines.append("  ".join(f"{cell!s:>10}" for cell in cells))
    lines += [f"{row['month']}: {row['report']}" for row in rows if row.get("report")]
    return "\n".join(lines) + "\n"
