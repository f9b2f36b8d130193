"""What tests and tools run the program on: control plane, engine, servers, and stacks to try."""
