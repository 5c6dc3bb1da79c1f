"""The HTTP side of certify: routes, authentication, and the map from errors to status codes. It decides nothing.

A server calls :func:`api.app.create_app`. Nothing of ``certify`` or ``models`` imports from here.

- ``app`` puts the parts together; ``middleware`` wraps every request.
- ``routes`` and ``live`` check the caller, call one use case of ``certify``, and show its result.
- ``auth``, ``idempotency``, ``limits`` and ``pace`` are what routes declare about their callers.
- ``schemas`` are the bodies of requests and answers; ``views`` builds answers from rows; ``web`` holds the pages.
"""
