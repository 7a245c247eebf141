"""Whose turn it is for a cluster: places in the queue, their order, and why a run must wait.

A place is an empty object in the lake's folder `FOLDER`, and its name says everything, so that one listing gives the
whole queue. The run's trigger writes it again from time to time; one that is not written any more counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlsplit

from claylake_airflow import emr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER: Final = "queue"
REFRESH_S: Final = 300.0
"""A waiting run's place is written anew so often."""
STALE: Final = timedelta(minutes=15)
"""A place that was not written for so long is of a run that has died, and holds up no other."""
_TIME: Final = "%Y%m%dT%H%M%S.%fZ"
_FIELDS: Final = 7
_MOST_NAMED: Final = 5
"""Of the runs before this one, in a line of the log."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A run's place in the queue.

    Attributes:
        since: when the run came, UTC-aware.
        priority: its head start in hours; it is served as if it had come so much earlier.
        most: how many clusters may be alive at once, as the run's settings say.
        aoi: name of its AOI.
        months: of the run, for people, e.g. ``2024-07``.
        dag_id: of the run.
        run_id: of the run.
    """

    since: datetime
    priority: int
    most: int
    aoi: str
    months: str
    dag_id: str
    run_id: str

    @property
    def run(self) -> tuple[str, str]:
        """DAG id and run id."""
        return self.dag_id, self.run_id

    @property
    def rank(self) -> tuple[datetime, str, str]:
        """Runs are served in this order. No two have the same rank."""
        return self.since - timedelta(hours=self.priority), self.dag_id, self.run_id

    @property
    def name(self) -> str:
        """The object's name. Names sort like ranks, as long as no two runs came in the same microsecond."""
        fields = (self.priority, self.most, self.aoi, self.months, self.dag_id, self.run_id)
        return ",".join([f"{self.rank[0]:{_TIME}}", *(quote(str(field), safe=":+") for field in fields)])

    @classmethod
    def read(cls, name: str) -> Place:
        """From the object's name.

        Raises:
            ValueError: if it is not that of a place.
        """
        parts = [unquote(part) for part in name.split(",")]
        if len(parts) != _FIELDS:
            msg = f"{name!r} is no place in the queue: it has {len(parts)} parts, not {_FIELDS}"
            raise ValueError(msg)
        served, priority, most, aoi, months, dag_id, run_id = parts
        since = datetime.strptime(served, _TIME).replace(tzinfo=UTC) + timedelta(hours=int(priority))
        return cls(
            since=since, priority=int(priority), most=int(most), aoi=aoi, months=months, dag_id=dag_id, run_id=run_id
        )

    def __str__(self) -> str:
        head_start = f", {self.priority:+d} h" if self.priority else ""
        return f"{self.aoi} {self.months} (since {self.since:%Y-%m-%d %H:%M}{head_start})"


def folder(queue: str) -> dict[str, str]:
    """Bucket and prefix of the queue's ``s3://`` address, as ListObjectsV2 takes them."""
    parts = urlsplit(queue)
    return {"Bucket": parts.netloc, "Prefix": parts.path.strip("/") + "/"}


def place_object(queue: str, name: str) -> dict[str, str]:
    """Bucket and key of a place's object."""
    where = folder(queue)
    return {"Bucket": where["Bucket"], "Key": where["Prefix"] + name}


def read_places(entries: Iterable[Mapping[str, Any]], now: datetime) -> list[Place]:
    """The places among the objects of a listing; those of runs that have died, and other objects, are left out.

    Args:
        entries: ``Contents`` of ListObjectsV2.
        now: aware.
    """
    places = []
    for entry in entries:
        if now - entry["LastModified"] > STALE:
            continue
        try:
            places.append(Place.read(entry["Key"].rpartition("/")[2]))
        except ValueError:
            continue
    return places


def before(place: Place, places: Iterable[Place], clusters: Iterable[emr.Cluster]) -> list[Place]:
    """The places before this one, first come first; each run once, and none that has its cluster.

    Args:
        place: the run's own.
        places: of all runs; the run's own may be among them.
        clusters: live clusters of ours.
    """
    served = {cluster.run for cluster in clusters} | {place.run}
    first: dict[tuple[str, str], Place] = {}
    for each in sorted(places, key=lambda each: each.rank):
        if each.run not in served and each.rank < place.rank:
            first.setdefault(each.run, each)
    return list(first.values())


def obstacle(place: Place, places: Iterable[Place], clusters: Iterable[emr.Cluster]) -> str:
    """Why a run may not have a cluster yet; empty when it is its turn.

    Rooms go to the runs in the order of their ranks. A run whose AOI is in use takes no room meanwhile, and those
    behind it pass; a run that finds no room lets none pass. So no run waits for ever.

    Args:
        place: the run's own.
        places: of all runs; the run's own may be among them.
        clusters: live clusters of ours; the run's own does not count.
    """
    others = [cluster for cluster in clusters if cluster.run != place.run]
    ahead = before(place, places, others)
    taken, used, is_shut = {cluster.tags.get(emr.TAG_AOI) for cluster in others}, len(others), False
    for each in ahead:
        if each.aoi in taken:
            continue
        if used >= each.most:
            is_shut = True
            break
        taken.add(each.aoi)
        used += 1
    if not is_shut and place.aoi not in taken and used < place.most:
        return ""
    why = emr.blocker(others, run=place.run, aoi=place.aoi, most=place.most)
    return "; ".join(part for part in (why, _named(ahead)) if part)


def _named(ahead: list[Place]) -> str:
    if not ahead:
        return "no run is before this one"
    shown = ", ".join(map(str, ahead[:_MOST_NAMED]))
    more = f" and {len(ahead) - _MOST_NAMED} more" if len(ahead) > _MOST_NAMED else ""
    return f"{len(ahead)} {'run is' if len(ahead) == 1 else 'runs are'} before this one: {shown}{more}"
