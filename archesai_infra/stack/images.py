"""The images a stack runs, by the key that sets each."""

from __future__ import annotations

from archesai_infra.components.base.settings import PodImages
from archesai_infra.stack import backups
from archesai_infra.stack.settings import Settings


def used_images(settings: Settings) -> PodImages:
    """Key of each image that some pod of the stack runs, to what is set and what is used otherwise.

    Images inside Helm releases are their charts' own.
    """
    return {**settings.pod_images, **(backups.images(settings) if settings.backups.enabled else {})}
