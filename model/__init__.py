"""Build of the Clay encoder: architecture, seeded weights, and the artefact that the embed job loads.

This package stands alone: it imports nothing from the rest of the house, and nothing imports it.
What leaves it is a folder.
"""
