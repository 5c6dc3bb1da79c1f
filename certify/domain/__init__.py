"""Frozen types and pure rules. Imports only the standard library; no IO, no clock, no chance."""
