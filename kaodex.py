"""The public names of Kaodex, so that a program imports one module."""

from data.errors import KaodexError
from embedder import Encoder
from index import Gallery, Recognizer

__all__ = ["Encoder", "Gallery", "KaodexError", "Recognizer"]
