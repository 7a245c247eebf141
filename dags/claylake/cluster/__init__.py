"""The EMR cluster of a plan: what EMR is requested to make, its steps, and what it costs."""
