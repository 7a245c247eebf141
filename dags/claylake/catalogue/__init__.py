"""The STAC catalogue: searching it, its scenes and their footprints, and the manifest of a run's scenes."""
