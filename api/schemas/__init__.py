"""Bodies of requests and answers, by subject; names end in ``In`` for requests and in ``Out`` for answers.

Routes, ``api.views`` and ``api.live`` use them. Their docstrings, field descriptions and examples become the OpenAPI
document at ``/v1/openapi.json``, so they are written for readers of the interface. The types that the scripts of the
pages use are made from the same document.
"""
