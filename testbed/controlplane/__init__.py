"""A real Kubernetes control plane on loopback for tests: etcd, API server, controllers, scheduler, simulated nodes."""
