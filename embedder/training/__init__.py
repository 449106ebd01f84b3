"""Training an encoder: folders of identities in, an encoder folder out (`python -m embedder.training --help`)."""
