"""Dagster's view of the walk: assets of a few lines, their checks, jobs, schedules and the sensor.

Groups carry the names of the ISO 13374 blocks: acquisition, manipulation, state_detection,
health_assessment, prognostics, advisory.
"""
