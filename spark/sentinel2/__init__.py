"""Rules of Sentinel-2 as functions of arrays and plain values: scene classification, radiometry, choices.

Nothing here imports Spark.
"""
