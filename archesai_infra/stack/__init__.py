"""What sees the whole stack: settings, rules, configuration, network flows, deployment, evaluation."""
