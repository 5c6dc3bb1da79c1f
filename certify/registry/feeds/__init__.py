"""Feeds: what registries send, described as data.

``description`` says what a feed is (a TOML file), ``reading`` brings its file into columns of text, ``shape`` holds it
against its history before it touches anybody. What follows (normalising, linking, standing) knows only these columns.
"""
