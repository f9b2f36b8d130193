"""What the commands share: console, exit statuses, options, the client for the cluster."""
