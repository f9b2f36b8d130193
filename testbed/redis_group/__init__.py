"""A replicated redis of real Valkey servers, Sentinels and a HAProxy on loopback, by the scripts that the pods run.

It proves nothing about Kubernetes, official images, partitions or other machines than one.
"""
