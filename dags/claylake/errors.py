"""Errors of the domain package. Catch `ClaylakeError`, or one of its kinds by name."""

from typing import ClassVar


class ClaylakeError(Exception):
    """Base of every error that claylake raises on purpose.

    Attributes:
        is_final: another attempt at the same work must fail in the same way.
    """

    is_final: ClassVar[bool] = False


class BadInputError(ClaylakeError, ValueError):
    """What a user gave cannot be used. The message names it, what is allowed, and what to do."""

    is_final = True


class SettingsError(BadInputError):
    """A settings layer holds an unknown key or a bad value."""


class CatalogueError(ClaylakeError):
    """The STAC catalogue did not answer, or answered nonsense.

    Attributes:
        url: of the request.
        method: of the request, ``GET`` or ``POST``.
        status: of the answer; None where there was none.
        cause: what went wrong.
        advice: what to do.
    """

    def __init__(self, *, root: str, url: str, method: str, status: int | None, cause: str, advice: str) -> None:
        answer = "no answer" if status is None else f"status {status}"
        super().__init__(f"STAC catalogue {root}: {method} {url}: {answer}: {cause}; {advice}")
        self.url = url
        self.method = method
        self.status = status
        self.cause = cause
        self.advice = advice


class SceneError(ClaylakeError):
    """A STAC item lacks something that a scene must have.

    Attributes:
        item_id: the item's id.
        reason: a short code, e.g. ``no_pass``.
    """

    def __init__(self, item_id: str, reason: str, detail: str) -> None:
        super().__init__(f"scene {item_id}: {detail}")
        self.item_id = item_id
        self.reason = reason


class HrefError(ClaylakeError):
    """An address from which no file can be read.

    Args:
        shown: the address, without what may be secret.
        detail: why.
    """

    def __init__(self, shown: str, detail: str) -> None:
        super().__init__(f"href {shown[:300]!r}: {detail}")


class FootprintError(ClaylakeError, ValueError):
    """The geometry of a STAC item is no polygon that cells can be joined with."""


class StoreError(ClaylakeError):
    """An object of the run folder could not be read or written."""


class UnusableMonthError(ClaylakeError):
    """The catalogue lists scenes of the month, and too few of them can be used."""


class BudgetError(ClaylakeError):
    """The estimate is above the budget."""
