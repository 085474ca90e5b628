"""A small Kubernetes API server for tests: real enough for kubectl and for ko-tui, with faults on request."""
