"""A real STAC API over a folder of items and COGs."""
