"""What every object of a stack has to keep, as functions of one object: what is wrong with it, as sentences.

No Pulumi in here: the engine's pack and the evaluation without an engine use the same functions.
"""

from __future__ import annotations

from .access import bound_rights, open_policies
from .cilium import open_cilium_policies
from .entry import encrypted_ingress, not_exposed
from .objects import Check, bounded, kept_data, own_identity, probed, scaled_once, standard_labels
from .pods import listed_registries, pinned_images, restricted
from .values import no_secret_in_clear

CHECKS: dict[str, Check] = {
    "standard-labels": standard_labels,
    "restricted": restricted,
    "bounded": bounded,
    "probed": probed,
    "no-secret-in-clear": no_secret_in_clear,
    "own-identity": own_identity,
    "kept-data": kept_data,
    "not-exposed": not_exposed,
    "scaled-once": scaled_once,
    "bound-rights": bound_rights,
    "open-policies": open_policies,
    "open-cilium-policies": open_cilium_policies,
}
"""Checks that hold in every stack, by the name of their policy."""
PRODUCTION_CHECKS: dict[str, Check] = {
    "pinned-images": pinned_images,
    "listed-registries": listed_registries,
    "encrypted-ingress": encrypted_ingress,
}
"""Checks that hold in production only."""
