"""Decide who is proven alive, by which evidence and until when: the pension side of certify.

The rooms below stand in one order (.importlinter): commands and workers at the top, the use cases in the middle,
storage and the pure domain at the bottom. Nothing here knows HTTP or pixels; ``api`` calls the use cases, and
``models`` analyses the media.
"""
