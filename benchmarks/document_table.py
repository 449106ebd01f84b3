"""A table that a benchmark writes into a document, between two markers that name it."""

from __future__ import annotations

import re
from pathlib import Path


def put_table(document: Path, name: str, table: str) -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- end of NAME -->`.

    Raises ValueError where the document has not both, each once.
    """
    text = document.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{document} needs the lines {begin} and {end}, once each and in this order")
    pattern = re.compile(re.escape(begin) + ".*" + re.escape(end), re.DOTALL)
    document.write_text(pattern.sub(lambda _: f"{begin}\n{table.strip()}\n{end}", text), encoding="utf-8")
