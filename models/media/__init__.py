"""Images and videos: probe headers, decode within bounds."""
