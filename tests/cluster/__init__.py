"""Stacks on a real control plane: what the API server takes and what its controllers make of it."""
