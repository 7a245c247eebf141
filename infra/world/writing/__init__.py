"""What is written to disk: COGs, and STAC items in the dialects of Earth Search."""
