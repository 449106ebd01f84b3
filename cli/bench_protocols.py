"""The protocols of `kaodex bench`, and which options mean something to which."""

from __future__ import annotations

import click
from click.core import ParameterSource

PROTOCOLS = {
    "few-shot": ("shots", "draws", "ks", "rules", "queries_per_identity"),
    "open-set": ("shots", "draws", "ks", "rules", "queries_per_identity", "strangers"),
    "closed": ("tune", "budget", "cache", "most"),
}
"""Each with the options that mean something to it and not to all."""


def chosen_protocol(context: click.Context, name: str | None, open_set: bool) -> str:
    """The protocol asked for, in either way. Raises UsageError for options that it has no use for."""
    if open_set and name not in (None, "open-set"):
        raise click.UsageError(f"--open-set is a protocol of its own, and not {name}")
    chosen = name or ("open-set" if open_set else "few-shot")
    for parameter in context.command.params:
        option = parameter.name or ""
        knowing = [protocol for protocol, options in PROTOCOLS.items() if option in options]
        typed = context.get_parameter_source(option) is not ParameterSource.DEFAULT
        if typed and knowing and chosen not in knowing:
            raise click.UsageError(f"{parameter.opts[0]} needs {' or '.join(map(_flag, knowing))}")
    return chosen


def _flag(protocol: str) -> str:
    return "--open-set" if protocol == "open-set" else f"--protocol {protocol}"
