"""Real Kubernetes nodes for tests, and the images that their pods run."""
