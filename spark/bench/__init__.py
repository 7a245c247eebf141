"""How fast the embed job's parts are, as ratios within one run."""
