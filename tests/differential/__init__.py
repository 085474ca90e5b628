"""The simulator against the real ovn-trace: random clusters, random and directed packets, texts compared."""
