"""One face in one image: detect, align, measure quality, find landmarks, embed."""
