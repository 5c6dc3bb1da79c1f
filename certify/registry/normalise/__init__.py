"""Bringing what registries write into one form, column by column, on Arrow arrays.

Nothing here loops over rows: arrays go in and arrays come out, and Python sees only *distinct* values (characters,
dates, words). ``canonical(table, layout)`` makes the columns that linking compares, on every engine alike::

    from certify.registry.normalise import Layout, canonical
    people = pa.table({"nr": ["11010119500101001X"], "who": ["Wang  Wei"]})
    canonical(people, Layout(key="nr", id="nr", name=("who",)))
"""

from __future__ import annotations

from certify.registry.normalise.canonical import COLUMNS, Layout, canonical

__all__ = ["COLUMNS", "Layout", "canonical"]
