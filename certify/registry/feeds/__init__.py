"""Feeds: the files that registries send, with their descriptions.

``description`` is the TOML file that describes a feed, ``reading`` reads its file into columns of text, ``checking``
sets bad rows apart, and ``shape`` compares the file with earlier ones before it can affect a person. The later steps
(normalising, linking, standing) know only these columns.
"""
