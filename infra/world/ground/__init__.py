"""The landscape, which stays the same from pass to pass: terrain, water, parcels, settlements, and their spectra."""
