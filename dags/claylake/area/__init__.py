"""The area of interest, and the grid cells that it covers."""
