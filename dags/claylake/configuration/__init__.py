"""Settings: their sections, and the layers that they are assembled from."""
