"""Picture to faces to encodings: the network, its runtimes, its shipped weights."""
