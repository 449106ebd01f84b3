"""Protocols that measure Kaodex and other systems on the same draws."""

from bench.collection import Collection, load_collection
from bench.protocol import Protocol
from bench.report import Report
from bench.run import run_bench

__all__ = ["Collection", "Protocol", "Report", "load_collection", "run_bench"]
