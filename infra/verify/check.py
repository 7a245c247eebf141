"""All chips of a lake, or a sample of them, one group after the other."""

from __future__ import annotations

import json
import logging
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

import numpy as np
import xxhash

from infra.verify import rules, scene_files
from infra.verify.errors import UnreadableError, VerifyError
from infra.verify.judge import COLUMNS, Finding, judge, moment
from infra.verify.lake import Lake
from infra.verify.published import TOGETHER, Picked, Published
from infra.verify.radiometry import Recorded, SceneRadiometry
from infra.verify.rules import Low
from infra.verify.scene_files import CellFiles
from infra.verify.sources import Sources
from infra.verify.tally import Tally

_log = logging.getLogger(__name__)
_SHORT = ("id", "scene_id", "second_scene_id", "run_id", "datetime")
_OBSERVED = ("cell_id", "pass", "outcome", "datetime")
_MAY_BE_NULL = {"baseline", "scl_mean", "second_scene_id"}
_PROGRESS_S = 5.0
_DAY = timedelta(days=1)


@dataclass(kw_only=True)
class Check:
    """One check of a lake.

    Attributes:
        lake: Whose published chips are read.
        sample: How many of them; None checks all.
        seed: Of the sample.
        say: Takes each line for the user.
    """

    lake: Lake
    sample: int | None
    seed: int
    say: Callable[[str], object]
    tally: Tally = field(default_factory=Tally)
    _scenes: dict[tuple[str, str], SceneRadiometry] = field(default_factory=dict)

    def run(self) -> Tally:
        """Check, say what is wrong with which chip, and last the verdict.

        Raises:
            VerifyError: There is no published chip to check.
        """
        chips = Published(self.lake, "chips")
        wanted: set[tuple[str, str]] = set()
        hashes = array("Q")
        for _, rows in self._picked(chips, _SHORT):
            wanted |= {(row["run_id"], scene_id) for row in rows for scene_id in _halves(row)}
            hashes.extend(_hash(row["id"]) for row in rows)
        if not hashes:
            raise VerifyError(f"{self.lake.database}.chips has no published chip, so there is nothing to check")
        part = "all" if self.sample is None else f"a sample (SEED={self.seed}) of"
        self.say(f"checking {part} {len(hashes):,} chips of snapshot {chips.snapshot}, of {len(wanted):,} scenes")
        known = np.sort(np.frombuffer(hashes, np.uint64))
        self._judge_all(chips, Sources(self.lake, wanted), len(hashes))
        self._count_rows(chips, known)
        self._find_missing(chips, known)
        self._judge_radiometry()
        self.say(self.tally.line)
        return self.tally

    def _picked(self, table: Published, columns: tuple[str, ...]) -> Iterator[Picked]:
        return table.each(columns) if self.sample is None else table.sampled(self.sample, self.seed, columns)

    def _found(self, finding: Finding) -> None:
        self.tally.add(finding)
        self.say(f"{finding.chip}: {finding.kind}: {finding.text}")

    def _judge_all(self, chips: Published, sources: Sources, number: int) -> None:
        started = reported = time.monotonic()
        for task, rows in self._picked(chips, _SHORT):
            ids = sorted({row["id"] for row in rows})
            for start in range(0, len(ids), TOGETHER):
                self._judge_group(chips.rows(task, COLUMNS, ids[start : start + TOGETHER]), sources)
                if time.monotonic() - reported > _PROGRESS_S:
                    reported = time.monotonic()
                    rate = self.tally.chips / (reported - started)
                    _log.info("%d of %d chips, %.1f a second", self.tally.chips, number, rate)

    def _judge_group(self, rows: list[dict[str, Any]], sources: Sources) -> None:
        """Rows of some chips, with their blobs."""
        self.tally.chips += len(rows)
        whole = []
        for row in rows:
            null = [name for name in COLUMNS if row[name] is None and name not in _MAY_BE_NULL]
            if null:
                self._found(Finding(chip=str(row["id"]), kind="unreadable", text=f"null: {', '.join(null)}"))
            else:
                whole.append(row)
        for (run, collection, scene_ids), group in groupby(sorted(whole, key=_scenes), key=_scenes):
            members = list(group)
            try:
                items = [sources.find(run, scene_id, collection) for scene_id in scene_ids]
            except UnreadableError as error:
                for row in members:
                    self._found(Finding(chip=row["id"], kind="unreadable", text=str(error)))
                continue
            places = [(row["col"], row["row"]) for row in members]
            read = [scene_files.read(source, places) for source in items]
            scenes = [self._scenes.setdefault((run, one.id), SceneRadiometry(source=one)) for one in items]
            for row, place in zip(members, places, strict=True):
                self._judge(row, scenes, [cells[place] for cells in read])

    def _judge(
        self, row: Mapping[str, Any], scenes: list[SceneRadiometry], parts: list[CellFiles | UnreadableError]
    ) -> None:
        """A chip of one scene, or of two halves, each with the cell in its files."""
        read = [part for part in parts if isinstance(part, CellFiles)]
        unread = [str(part) for part in parts if isinstance(part, UnreadableError)]
        if unread:
            self._found(Finding(chip=row["id"], kind="unreadable", text="; ".join(unread)))
            return
        for finding in judge(row, [scene.source for scene in scenes], _together(read)):
            self._found(finding)
        if row["radiometry"] in rules.OFFSETS:
            for scene, files in zip(scenes, read, strict=True):
                scene.add(row["id"], row["radiometry"], rules.low_pixels(files.raw, files.scl))

    def _count_rows(self, chips: Published, known: np.ndarray[Any, np.dtype[np.uint64]]) -> None:
        """Chips that have more than one row."""
        counts: Counter[str] = Counter()
        if self.sample is None:
            values, numbers = np.unique(known, return_counts=True)
            twice = set(values[numbers > 1].tolist())
            # Rare, so ids are read again only where some hash is there twice.
            for _, rows in chips.each(("id",)) if twice else ():
                counts.update(row["id"] for row in rows if _hash(row["id"]) in twice)
        else:
            for _, rows in self._picked(chips, _SHORT):
                counts.update(_rows_of(chips, {row["id"]: row for row in rows}))
        for name, number in sorted(counts.items()):
            if number > 1:
                self._found(Finding(chip=name, kind="duplicate", text=f"{number} rows have this id"))

    def _find_missing(self, chips: Published, known: np.ndarray[Any, np.dtype[np.uint64]]) -> None:
        """Observations that say `chip`, of which there is no chip, since the first month whose pixels are kept."""
        since = chips.kept_from
        for _, rows in self._picked(Published(self.lake, "observations"), _OBSERVED):
            named = {
                f"{row['cell_id']}_{row['pass']}": row
                for row in rows
                if row["outcome"] == "chip" and (since is None or moment(row["datetime"]) >= since)
            }
            if not named:
                continue
            if self.sample is None:
                there = np.isin(np.array([_hash(name) for name in named], np.uint64), known)
                lost = [name for name, has in zip(named, there, strict=True) if not has]
            else:
                lost = sorted(named.keys() - _rows_of(chips, named).keys())
            for name in lost:
                self._found(Finding(chip=name, kind="missing", text="observations say chip, chips has no such row"))

    def _judge_radiometry(self) -> None:
        """What the pixels read do not prove, others of the scene may, or a person's word: then it is a warning."""
        doubtful = [(scene, finding) for scene in self._scenes.values() for finding in scene.findings()]
        recorded = self._recorded({scene.source.id for scene, _ in doubtful}) if doubtful else {}
        for scene, finding in doubtful:
            record = recorded.get(scene.source.id, Recorded())
            # All chips at once are all that a run can have counted, so only their own pixels speak for an offset.
            refuted = self.sample is None and scene.low.refutes_offset and not record.is_set
            if len(scene.said) > 1 or refuted or not all(map(record.permits, scene.said)):
                self._found(finding)
                continue
            low = record.low
            why = "it was set" if record.is_set else f"{low.below:,} of {low.clear:,} clear pixels were below 1,000"
            self.say(f"{finding.chip}: warning: {finding.text}; by the run's own record {why}")

    def _recorded(self, scene_ids: set[str]) -> dict[str, Recorded]:
        found: dict[str, Recorded] = {}
        for _, rows in Published(self.lake, "scenes").each(("scene_id", "evidence")):
            for row in rows:
                if row["scene_id"] in scene_ids:
                    evidence = json.loads(row["evidence"] or "{}")
                    low = Low(clear=evidence.get("clear_pixels", 0), below=evidence.get("below_1000", 0))
                    record = Recorded(low=low, is_set=str(evidence.get("rule")).startswith("set for "))
                    found[row["scene_id"]] = found.get(row["scene_id"], record) | record
        return found


def _rows_of(chips: Published, rows: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    """How many rows of `chips` have each of these ids.

    `rows` are by id; their `datetime` says where to search.
    """
    if not rows:
        return Counter()
    times = sorted(moment(row["datetime"]) for row in rows.values())
    return Counter(chips.named(sorted(rows), times[0] - _DAY, times[-1] + _DAY))


def _halves(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the scenes that a chip is of, one or two."""
    return tuple(name for name in (row["scene_id"], row["second_scene_id"]) if name is not None)


def _scenes(row: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    return row["run_id"], row["collection"], _halves(row)


def _together(parts: list[CellFiles]) -> CellFiles:
    """A cell as the files of one scene have it, or as those of two halves do."""
    first, *others = parts
    for second in others:
        raw = rules.joined(first.raw, second.raw, first.scl)
        first = CellFiles(raw=raw, scl=rules.joined(first.scl, second.scl, first.scl))
    return first


def _hash(name: str) -> int:
    number: int = xxhash.xxh3_64_intdigest(name.encode())
    return number
