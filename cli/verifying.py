"""The check of published chips against their scenes' files, by code of its own (`infra.verify`)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from claylake.errors import BadInputError

if TYPE_CHECKING:
    from cli.console import Console
    from cli.lake import LakeFolder


def verify_lake(lake: LakeFolder, database: str, sample: int | None, seed: int | None, console: Console) -> bool:
    """Whether every chip that was checked is right; what is wrong is printed line by line.

    Args:
        lake: to check.
        database: namespace of its tables.
        sample: how many chips; None for all.
        seed: of the sample; None draws one.
        console: takes the lines.

    Raises:
        BadInputError: there is nothing to check.
    """
    # What reads files is slow to load, and other commands do without.
    from infra.verify.check import Check
    from infra.verify.errors import VerifyError
    from infra.verify.lake import Lake

    drawn = secrets.randbelow(1_000_000) if seed is None else seed
    try:
        tally = Check(lake=Lake.of_folder(lake.path, database), sample=sample, seed=drawn, say=console.text).run()
    except VerifyError as error:
        raise BadInputError(str(error)) from error
    return tally.good
