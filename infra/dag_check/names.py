"""Names that give two areas one id."""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "claylake__"
"""Of the DAGs of AOI files, before the AOI's name."""
_OF_THE_FORM: Final = re.compile(r"geojson-[0-9a-f]{10}")


def dag_id(name: str) -> str:
    """Id of the DAG of an AOI file."""
    return f"{PREFIX}{name}"


def collision(name: str) -> str | None:
    """Why a name could be another area's, too; files that share a name are found as they are read."""
    if _OF_THE_FORM.fullmatch(name):
        return (
            "areas of the trigger form are named geojson- and ten hexadecimal digits, so ids could collide: "
            "rename the file"
        )
    return None
