"""Protocols that measure recognition on folders of identities."""
