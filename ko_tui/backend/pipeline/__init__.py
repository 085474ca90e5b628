"""Browsing what OVN made of the network: datapaths, their tables, flows, and the OpenFlow on a node."""
