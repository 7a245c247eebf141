"""`make verify`: reads published chips again from their scenes' files, and compares; shares no code with the product.

Only libraries are shared: rasterio reads, pyiceberg finds rows, blosc2 and xxhash decode and digest, pyproj places.
The rules are written a second time, from `docs/verify.md`.
"""
