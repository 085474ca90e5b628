"""ko-tui: a keyboard-driven flow explorer for Kube-OVN clusters."""

__version__ = "0.1.0"
