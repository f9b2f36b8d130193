"""What every tier shares."""

from __future__ import annotations
