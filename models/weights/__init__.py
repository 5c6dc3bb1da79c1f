"""Fetch, check and load the pinned model files.

``manifest.toml`` names each file with its hash, licence and source. :class:`~models.weights.packs.PackStore` prepares
the cache (``certify models prepare``) and hands out bytes with a checked hash; :mod:`~models.weights.runtime` turns
them into a network. Nothing is downloaded while a request is answered.
"""
