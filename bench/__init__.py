"""Measurements and fits that are run by hand: accuracy, speed, robustness, and the shipped parameters.

Each module is a command, ``python -m bench.NAME``; its docstring says what it measures and with which arguments. The
pages in docs/ contain the results. No other package imports bench; ``make docs`` runs :mod:`bench.documents`.
"""
