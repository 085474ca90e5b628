"""Saving a cluster to a file: what is asked of it, side by side and within bounds."""
