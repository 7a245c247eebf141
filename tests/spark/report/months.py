"""Synthetic months of a page: every number follows from the arguments, no table is read."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from claylake.area.grid import Cell
from claylake.configuration.settings import Settings
from claylake.pass_month import pass_start
from claylake.plan import Estimate, Found, Plan, RunRef
from claylake.run.reports import EmbedReport, VectorHealth
from spark.report.clearest import FIT_ON
from spark.report.month import Month
from spark.report.pca import Basis
from spark.report.rows import MOST_CELLS, MOST_POINTS, Clearest, Observed, Rows, SceneRow, Vectors, by_pass

PASSES = ("S2A_20240805T112111", "S2B_20240810T112109", "S2A_20240815T112111")
EPSG, COL, ROW = 32629, 156, 1342
AROUND = {"type": "Polygon", "coordinates": [[[-9.0, 30.9], [-8.9, 30.9], [-8.9, 31.0], [-9.0, 30.9]]]}


def plan(cells, folder="file:///none", **changes):
    """A plan of an area in a folder."""
    return Plan(**{
        "run": RunRef(dag_id="demo", run_id="r1"), "aoi_name": "demo", "aoi_geometry": AROUND, "months": ("2024-08",),
        "folder": folder, "work": "full", "cells": cells, "cells_digest": "0123456789abcdef",
        "selection_digest": "0123456789abcdef", "missing_vectors": 0,
        "found": Found(items=8, unusable={"no_utm": 1}, too_cloudy=2, kept=5),
        "estimate": Estimate(
            scenes=1, cells=cells, candidates=1, chips=1, read_gb=0, store_gb=0, gpu_hours=0, cluster_hours=0, usd=0, instances={},
        ),
        "model_version": "demo-random+0123456789ab",
        "settings": Settings.model_validate({"local": {"folder": "/none", "encoder": "/none"}}),
        **changes,
    })  # fmt: skip


def month(side=3, passes=PASSES, *, seed=0, chips=True, dim=16, health=None, plan_changes=None, **changes):
    """A square of `side` x `side` cells: a third of them rejected in each pass, some not covered, all at random."""
    rng = np.random.default_rng(seed)
    cells = [Cell(epsg=EPSG, col=COL + x, row=ROW + y) for y in range(side) for x in range(side)]
    observed, best, number = [], {}, dict.fromkeys((cell.id for cell in cells), 0)
    for name in passes:
        for cell in cells:
            clear, draw = float(rng.uniform()), rng.uniform()
            if draw < 0.1:
                continue
            outcome = "failed:unreadable" if draw < 0.12 else "chip" if chips and clear > 0.3 else "rejected:cloud"
            known = outcome != "failed:unreadable"
            observed.append(Observed(
                cell_id=cell.id, pass_id=name, outcome=outcome,
                clear=clear if known else None, cloud=1 - clear if known else None,
            ))  # fmt: skip
            if outcome != "chip":
                continue
            number[cell.id] += 1
            if cell.id not in best or clear > best[cell.id][1]:
                best[cell.id] = name, clear
    clearest = [
        Clearest(
            cell_id=cell, id=f"{cell}_{name}", content_digest="0" * 32, datetime=pass_start(name), chips=number[cell],
            clear=clear, cloud=1 - clear, shadow=0.0, snow=0.0, water=0.0, nodata=0.0,
        ) for cell, (name, clear) in sorted(best.items())
    ]  # fmt: skip
    scenes = [
        SceneRow(
            scene_id=f"scene-{number}", pass_id=name, status="done", radiometry="as_published",
            created_at=pass_start(name) + timedelta(days=40),
        ) for number, name in enumerate(passes)
    ]  # fmt: skip
    rows = Rows(
        passes=by_pass(observed), observed=observed if len(cells) <= MOST_CELLS else None, scenes=scenes, clearest=clearest,
        tiles={chip.cell_id: tile(rng) for chip in clearest}, vectors=vectors(clearest, rng, dim),
        vector_count=sum(number.values()),
    )  # fmt: skip
    made = plan(len(cells), **(plan_changes or {}))
    report = None if health is None else EmbedReport(
        seconds=2.0, vectors=1, present=0, failed={}, model_version=made.model_version, convention="tutorial",
        precision="fp32", device="cpu", health=health, message="",
    )  # fmt: skip
    return Month(
        plan=made,
        cells=cells,
        rows=rows,
        embedded=report,
        footprints=[(name, AROUND) for name in passes[:1]],
        **changes,
    )


def tile(rng, side=32):
    """A picture with about the detail of a field landscape."""
    coarse = rng.integers(40, 150, size=(side // 4, side // 4, 3))
    fine = rng.normal(0, 6, size=(side, side, 3))
    return np.clip(coarse.repeat(4, axis=0).repeat(4, axis=1) + fine, 0, 255).astype(np.uint8)


def vectors(clearest, rng, dim):
    """One vector for each chip, in two clouds of points."""
    if not clearest:
        return Vectors()
    centre = rng.integers(0, 2, size=(len(clearest), 1)) * 8.0
    made = (rng.normal(size=(len(clearest), dim)) + centre).astype(np.float32)
    basis = Basis.fit(made[:FIT_ON])
    names = tuple(chip.cell_id for chip in clearest)
    scores = dict(zip(names, basis.scores(made), strict=True))
    return Vectors(scores=scores, basis=basis, sample_cells=names[:MOST_POINTS], sample=made[:MOST_POINTS])


GOOD = VectorHealth(
    vectors=171, not_finite=0, norm_min=9.0, norm_median=10.0, norm_max=11.0, duplicates=0, duplicates_other_pixels=0,
    sampled=171, effective_rank=31.4, components=8, unclear_r2=0.12,
)  # fmt: skip
