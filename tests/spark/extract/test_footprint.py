"""Footprints are read on executors, too, with other versions of the libraries than on Airflow's workers."""

from __future__ import annotations

from tests.dags.domain.test_footprint import (
    test_across_the_antimeridian,
    test_all_writings_of_a_real_tile_are_one,
    test_only_areas_are_kept,
    test_others_stay,
    test_what_is_no_polygon_is_refused,
    test_whatever_a_catalogue_writes_is_an_area_in_the_world_or_refused,
)

__all__ = [
    "test_across_the_antimeridian",
    "test_all_writings_of_a_real_tile_are_one",
    "test_only_areas_are_kept",
    "test_others_stay",
    "test_what_is_no_polygon_is_refused",
    "test_whatever_a_catalogue_writes_is_an_area_in_the_world_or_refused",
]
