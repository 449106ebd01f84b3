"""Figures of merit as pure functions on numpy arrays."""
