"""Reading cells from Sentinel-2 COGs: whole pixels, no warping, each block decoded about once."""
