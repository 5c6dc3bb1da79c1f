"""Normalisation: one written form for the values of registries, column by column, on Arrow arrays.

No function loops over rows: arrays go in and come out, and Python handles only *distinct* values (characters, dates,
words). ``canonical(table, layout)`` makes the columns that linking compares, the same for every engine::

    from certify.registry.normalise import Layout, canonical
    people = pa.table({"nr": ["11010119500101001X"], "who": ["Wang  Wei"]})
    canonical(people, Layout(key="nr", id="nr", name=("who",)))
"""

from __future__ import annotations

from certify.registry.normalise.canonical import COLUMNS, Layout, canonical

__all__ = ["COLUMNS", "Layout", "canonical"]
