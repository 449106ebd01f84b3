"""Training a face detector: pictures with boxes in, a detector folder out."""
