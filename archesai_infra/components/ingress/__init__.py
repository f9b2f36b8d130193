"""The way in from outside the cluster: hosts, certificates, controllers."""
