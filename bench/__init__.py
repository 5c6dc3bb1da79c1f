"""Measurements, run by hand; docs/performance.md and docs/matching.md hold what they printed."""
