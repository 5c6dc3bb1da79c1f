"""Read which token issuers are trusted: the issuers file, keys by OpenID Connect discovery, and the mapping of claims.

docs/operations.md describes the file, and docs/decisions/0030-issuers-by-discovery.md says why it is so.
"""
