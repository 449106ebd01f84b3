"""The public names of Kaodex, so that a program imports one module."""
