"""Receipts, pictures and the table at the end of the demo."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3

from infra.local.options import LAKE_BUCKET

COUNTS = ("scenes", "candidates", "chips", "rejected", "failed", "vectors")
"""What the table takes from a run's receipt."""
COLUMNS = ("month", "state", *COUNTS, "seconds")


@dataclass(frozen=True, kw_only=True)
class MonthResult:
    """How a month's run ended.

    Attributes:
        month: `yyyy-mm`.
        state: `success` or `failed`.
        seconds: That the run took.
        counts: By the names of `COUNTS`; empty without a receipt.
        report: The page with pictures, where there is one.
    """

    month: str
    state: str
    seconds: float
    counts: Mapping[str, Any] = field(default_factory=dict)
    report: Path | None = None

    def row(self) -> dict[str, Any]:
        """One object of ``demo.json``."""
        report = None if self.report is None else str(self.report)
        return {"month": self.month, "state": self.state, "seconds": self.seconds, "report": report, **self.counts}


def collect(env: Mapping[str, str], dag_id: str, month: str, out: Path, *, seconds: float, state: str) -> MonthResult:
    """Copy the newest run folder of a month to `out`; gives the month's result.

    Counts are those of the run's own receipt: of what it did, not of what the tables hold.

    Args:
        env: Airflow's environment, which points at the stack.
        dag_id: Which DAG ran.
        month: `yyyy-mm`.
        out: Folder for the run's files.
        seconds: That the run took.
        state: `success` or `failed`.
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
    result = MonthResult(month=month, state=state, seconds=round(seconds, 1))
    if not objects:
        return result
    newest = max(objects, key=lambda entry: entry["LastModified"])["Key"].removeprefix(prefix).split("/")[0]
    for entry in objects:
        name = entry["Key"].removeprefix(prefix + newest + "/")
        if entry["Key"].startswith(prefix + newest + "/"):
            target = out / name
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(LAKE_BUCKET, entry["Key"], str(target))
    receipt, report = out / "receipt.json", out / "report/index.html"
    counts = _counts(json.loads(receipt.read_text(encoding="utf-8"))) if receipt.exists() else {}
    return replace(result, counts=counts, report=report if report.exists() else None)


def _counts(receipt: Mapping[str, Any]) -> dict[str, Any]:
    return {name: receipt.get(name) for name in COUNTS}


def write(out: Path, months: Sequence[MonthResult]) -> Path:
    """``demo.json``: ``{"runs": [row, ...]}``."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "demo.json"
    path.write_text(json.dumps({"runs": [month.row() for month in months]}, indent=1) + "\n", encoding="utf-8")
    return path


def table(months: Sequence[MonthResult]) -> str:
    """The months as a table in text, then where each month's pictures are."""
    lines = ["  ".join(f"{name:>10}" for name in COLUMNS)]
    for row in (month.row() for month in months):
        cells = ("-" if row.get(name) is None else row[name] for name in COLUMNS)
        lines.append("  ".join(f"{cell!s:>10}" for cell in cells))
    lines += [f"{month.month}: {month.report}" for month in months if month.report]
    return "\n".join(lines) + "\n"
