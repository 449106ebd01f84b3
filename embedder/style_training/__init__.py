"""Training a style encoder: pictures by artist in, an encoder folder out."""
