"""Runs: one file of a feed, from its rows to the standings that it changes.

``importing`` takes a file in and holds what departs from its history; ``prepare`` links its records with people and
works out what follows (``facts``); ``carry_out`` lets it happen chunk by chunk (``apply``), the plain cases in bulk
(``silent``) and the others by ``decide``. Doubtful links become ``questions``. A killed run goes on where it was.
"""
