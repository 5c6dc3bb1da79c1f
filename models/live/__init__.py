"""Guidance while the camera runs."""
