"""The HTTP side of certify: routes, authentication, the map from errors to status codes. Nothing is decided here."""
