"""What of the archive does not fit together, each as `key: problem and cure`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archesai_infra.components.database.cluster.archive.objects import archive_name
from archesai_infra.components.database.cluster.settings import ClusterSettings

KEY = "database.cluster"


def problems(settings: ClusterSettings) -> Iterator[str]:
    """What of the archive and the recoveries does not fit."""
    archive = settings.archive
    if archive.existing_secret and archive.role_arn:
        yield f"{KEY}.archive.existingSecret: roleArn is also set; keep only one"
    if settings.beside == settings.generation:
        yield f"{KEY}.beside: is the generation that serves ({settings.generation}): name another, or remove it"
    if settings.recovered and not archive.enabled:
        yield f"{KEY}.recovered: needs the archive: set {KEY}.archive.enabled to true"
    counts = Counter(recovery.generation for recovery in settings.recovered)
    for generation in sorted(generation for generation, count in counts.items() if count > 1):
        yield f"{KEY}.recovered: generation {generation} begins only once: keep one of the {counts[generation]} entries"
    for recovery in settings.recovered:
        if recovery.source == archive_name(settings.of(recovery.generation)):
            yield (
                f"{KEY}.recovered: generation {recovery.generation} would archive into {recovery.source}, which it "
                "begins from: name the archive of another generation"
            )
