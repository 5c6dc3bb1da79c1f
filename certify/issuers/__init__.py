"""Whose tokens are trusted and who sends them: the issuers file, keys by OpenID Connect discovery, mapping of claims.

``certify.issuers.tokens`` verifies and signs tokens without the network. docs/operations.md describes the file, and
docs/decisions/0030-issuers-by-discovery.md says why it is so.
"""
