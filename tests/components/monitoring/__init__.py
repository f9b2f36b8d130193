"""Monitoring, held against the real programs it configures."""
