"""Model weights: the manifest, its packs, and the runtime that loads them."""
