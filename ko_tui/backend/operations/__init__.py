"""What ``kubectl ko`` does beyond asking: checks, captures, collections, and the few things that change a cluster."""
