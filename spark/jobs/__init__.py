"""Entry points of the EMR steps; each gets the URI of a plan and nothing else."""
