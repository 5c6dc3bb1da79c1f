"""The routes, one file per subject. Each route declares who may call it, calls one use case, and shows its result.

``api.app`` includes the ``router`` of each file, and the middleware takes two keys from ``api.routes.web``. Nothing
else imports routes. Routes write no SQL: queries live in ``certify.storage``.
"""

# FastAPI copies the whole docstring of a route into the OpenAPI document. Therefore docstrings of routes are short
# sentences for callers, without Args, Returns and Raises sections; the statuses stand in ``responses=problems(...)``.
