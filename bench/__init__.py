"""Protocols that measure Kaodex and other systems on the same draws."""

from bench.collection import Collection, load_collection
from bench.open_set_report import OpenSetReport
from bench.protocol import Protocol
from bench.report import Report
from bench.run import run_bench, run_open_set

__all__ = ["Collection", "OpenSetReport", "Protocol", "Report", "load_collection", "run_bench", "run_open_set"]
