"""Kube-OVN's own parts in a cluster: its namespace, its pods, who leads, and what can be traced."""
