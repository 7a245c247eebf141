"""Ends a step that has no executor, or makes no headway: it would wait for ever, on nodes that are paid for."""

from spark.watchdog.watchdog import Watchdog

__all__ = ["Watchdog"]
