"""One file per subject; each route declares who may call it."""
