"""Pure builders of Kubernetes objects as typed dicts: no component, no config, nothing created."""
