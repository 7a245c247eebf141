"""Rules of Sentinel-2 as functions of arrays and plain values: scene classification, radiometry, which scene and pass to take.

Nothing here imports Spark.
"""
