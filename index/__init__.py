"""References in, answers out: the gallery, its search, its votes, its decisions."""

from index.gallery import Gallery
from index.recognizer import Recognizer

__all__ = ["Gallery", "Recognizer"]
