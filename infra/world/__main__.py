"""`python -m infra.world --out DIR`: paint the demo world, in the spark environment."""

import argparse
import logging
import sys
import time
from pathlib import Path

from infra.world.arguments import MONTHS, SEED, read_events, read_months
from infra.world.build import build
from infra.world.errors import WorldError
from infra.world.place import PLACES


def main(argv: list[str] | None = None) -> int:
    """Command line; the exit code is 0 if the world stands."""
    parser = argparse.ArgumentParser(prog="python -m infra.world", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to paint into; what it holds already is kept")
    parser.add_argument("--months", default=",".join(MONTHS), help="yyyy-mm or yyyy-mm/yyyy-mm, several with commas")
    parser.add_argument(
        "--event",
        action="append",
        metavar="KIND,WHERE,WHEN[,SIZE]",
        help="instead of the default fire: fire, flood, clear-cut or settlement; at lon/lat or east%%/north%%; "
        "a date or minute (UTC), of a flood two with a slash; 120ha or 900m. Again for more; none for no event",
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of everything random")
    parser.add_argument("--size", choices=sorted(PLACES), default="demo", help="demo: 100 cells; tiny: 6 cells")
    parser.add_argument("--workers", type=int, default=2, help="passes painted at a time")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    started = time.monotonic()
    painted = started

    def report(done: int, total: int, what: str) -> None:
        """Write how far painting is, and about how long it still takes.

        Args:
            done: passes painted so far; 0 starts the clock.
            total: passes to paint.
            what: what was finished last, the landscape or a pass.
        """
        nonlocal painted
        now = time.monotonic()
        if done == 0:
            painted = now
        left = f", about {(now - painted) / done * (total - done):.0f} s left" if 0 < done < total else ""
        sys.stderr.write(f"  {what}: {done} of {total} passes, {now - started:.0f} s{left}\n")

    try:
        world = build(
            options.out,
            months=read_months(options.months),
            seed=options.seed,
            size=options.size,
            events=read_events(options.event),
            workers=options.workers,
            progress=report,
        )
    except WorldError as error:
        sys.stderr.write(f"world: {error}\n")
        return 1
    sys.stderr.write(f"  {len(world['scenes'])} scenes of {', '.join(world['months'])} in {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
