"""Evaluation of matching and liveness on labelled data."""
