"""New cells: those that an AOI has by the run's ownership rule, and had not by another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

NEW = "new"
"""Column of a run's table, where another ownership rule gives the AOI other cells: whether it lacks this one."""


def new_among(cells: pa.Table) -> NDArray[np.bool_]:
    """Which cells of a table are new; all of them where it has no column `NEW`."""
    import numpy as np

    new = cells[NEW].to_numpy() if NEW in cells.column_names else np.ones(cells.num_rows)
    return np.asarray(new, dtype=np.bool_)
