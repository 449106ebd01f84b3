"""The `kaodex` command: parse, call one function, print."""
