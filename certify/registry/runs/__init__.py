"""Runs: one file of a feed, from its rows to the standings that it changes.

``importing`` imports a file and holds it if it differs from earlier files. ``prepare`` links its records with people
and makes ``facts``. ``carry_out`` applies them chunk by chunk (``apply``): simple cases in bulk (``silent``), the
others by ``decide``. Doubtful links become ``questions``. A run that was interrupted continues where it stopped.
``report``, ``status``, ``replay``, ``relink`` and ``compare`` read runs; ``nightly`` does all for a folder of feeds.
"""
