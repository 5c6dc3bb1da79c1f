"""Request and response bodies, by subject. Descriptions and examples become the OpenAPI document."""
