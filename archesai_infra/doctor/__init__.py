"""Checks of everything a stack needs, each with a finding and a cure."""
