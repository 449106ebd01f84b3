"""Where pictures come from: reading, folders, splits, drawn characters."""
