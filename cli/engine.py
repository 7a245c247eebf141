"""One Spark session for all that a command does: started when it is first needed, ended with the command."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from cli.classes import Classes
from cli.machine import Machine, jar_files, java_home, spark_jars

if TYPE_CHECKING:
    from types import TracebackType

    from pyspark.sql import SparkSession

    from claylake.configuration.local import Local

_log = logging.getLogger(__name__)
_LOOPBACK: Final = "127.0.0.1"
_SHORT_LIVED: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""The JVM plans and commits, pixels are Python's: to optimise its bytecode costs more than it gains."""
_LOGGING: Final = Path(__file__).with_name("log4j2.properties")


@dataclass
class Engine:
    """A context manager around the session.

    Attributes:
        local: the lake.
        cache: the user's folder for downloads.
        log: file of what the JVM has to say.
    """

    local: Local
    cache: Path
    log: Path
    _session: SparkSession | None = None
    _classes: Classes | None = None
    _held: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from py4j.protocol import Py4JError

        if self._session is not None:
            try:
                self._session.stop()
            # A JVM that has ended cannot be stopped; the error of the work must come out all the same.
            except (Py4JError, OSError):
                _log.exception("the session could not be stopped")
        self._held.close()

    @cached_property
    def machine(self) -> Machine:
        """What there is to work with; read when work begins: GPUs are found through torch, which is slow to load."""
        return Machine.here()

    def session(self) -> SparkSession:
        """The session; the first call starts it.

        Raises:
            MachineError: this machine lacks Java, or the jars cannot be had.
        """
        if self._session is None:
            self._session = self._started()
        return self._session

    @property
    def may_keep_classes(self) -> bool:
        """Whether the session's JVM can leave an archive of its classes, and there is none."""
        return self._classes is not None and self._classes.possible and not self._classes.kept

    def keep_classes(self) -> bool:
        """Let the JVM write the archive from which later sessions start; gives whether it has."""
        if self._session is None or self._classes is None:
            return False
        gateway: Any = self._session.sparkContext._gateway  # noqa: SLF001 - PySpark names its JVM nowhere else
        # The JVM says so on its standard output, which is the command's.
        gateway.jvm.java.lang.System.setOut(
            gateway.jvm.java.io.PrintStream(gateway.jvm.java.io.OutputStream.nullOutputStream())
        )
        return self._classes.keep(gateway.proc.pid)

    def _started(self) -> SparkSession:
        from spark.embedding.workers import ENCODERS
        from spark.session import in_folder, session

        home = java_home()
        jars = jar_files(self.cache, home)
        self._classes = Classes.of(self.cache, Path(home), [*jars, *spark_jars()])
        scratch = self._held.enter_context(tempfile.TemporaryDirectory(prefix="claylake-"))
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._set_environment(home, scratch)
        cores = self.machine.slots
        return session(
            "claylake",
            f"{self.local.lake}/tables",
            {
                **in_folder(self.local),
                "spark.master": f"local[{cores}]",
                # JDBC finds its drivers on the class path alone.
                "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
                "spark.driver.extraJavaOptions": " ".join(
                    (*_SHORT_LIVED, *self._classes.options, f'"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"')
                ),
                "spark.driver.memory": f"{self.machine.driver_gb}g",
                "spark.driver.host": _LOOPBACK,
                "spark.driver.bindAddress": _LOOPBACK,
                "spark.ui.enabled": "false",
                "spark.ui.showConsoleProgress": "false",
                "spark.sql.warehouse.dir": scratch,
                ENCODERS: str(self.machine.encoders),
            },
            sedona=True,
        )

    def _set_environment(self, home: str, scratch: str) -> None:
        """The JVM and its Python workers take these from the process's environment."""
        os.environ |= {
            "JAVA_HOME": home,
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "SPARK_LOCAL_IP": _LOOPBACK,
            "SPARK_LOCAL_DIRS": scratch,
            "CLAYLAKE_SPARK_LOG": str(self.log),
        }
        if sys.platform == "darwin":
            # PySpark forks its workers from a process that has libraries of Apple's loaded, which would end them.
            os.environ["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
