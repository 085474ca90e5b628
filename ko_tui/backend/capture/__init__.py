"""Capturing packets where they enter and leave OVN, and reading what was captured."""
