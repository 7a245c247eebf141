"""How far a step is: tasks count what they have done, the driver adds it up and writes it to the run folder."""

from spark.progress.counts import Counter, Counts
from spark.progress.reporter import Reporter

__all__ = ["Counter", "Counts", "Reporter"]
