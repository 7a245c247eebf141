"""Build of the Clay encoder: architecture, seeded weights, and the artefact that the embed job loads.

This package stands alone: it imports nothing from the rest of the house. What leaves it is a folder (`model.format`),
and the modules that executors run it with (`infra.package`).
"""
