"""Secrets with which the operator gives roles their passwords."""

from __future__ import annotations

import pulumi

from archesai_infra.components.base.component import Component, secret_name
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.database.access import CLUSTER_SUPERUSER
from archesai_infra.components.database.cluster.network import POOLER
from archesai_infra.components.database.cluster.spec import Content, Login
from archesai_infra.components.database.connection import role_password
from archesai_infra.components.database.settings import DUMP_ROLE, NAME, ClusterDatabase
from archesai_infra.kube.names import object_name

BASIC_AUTH = "kubernetes.io/basic-auth"
RELOAD = {"cnpg.io/reload": "true"}
"""Of a Secret: the operator gives a changed password to the role, without a restart."""


def content(component: Component, settings: ClusterDatabase, password: pulumi.Output[str] | None) -> Content:
    """What the cluster starts with; of a Secret that others made only the owner's login is known."""
    names = (NAME, POOLER)
    if settings.existing_secret:
        owner = Login(settings.application_user, settings.cluster.existing_user_secret or "")
        return Content(settings.name, owner, None, None, names)
    return Content(
        settings.name,
        _login(component, "user", settings.application_user, password),
        _login(component, "superuser", CLUSTER_SUPERUSER, password),
        _login(component, "dump", DUMP_ROLE, password),
        names,
    )


def _login(component: Component, part: str, role: str, password: pulumi.Output[str] | None) -> Login:
    name = object_name(f"{component.module}-{part}")
    if password is None:
        value = Value.DATABASE_PASSWORD
        own = value.template if role == CLUSTER_SUPERUSER else value.derived(role)
        templates = {"username": role, "password": own}
        filled = component.external_secret(name, templates, [value], part=part, kind=BASIC_AUTH, more_labels=RELOAD)
        return Login(role, filled.name)
    own_password = password if role == CLUSTER_SUPERUSER else role_password(password, role)
    data = {"username": role, "password": own_password}
    return Login(role, secret_name(component.secret(name, data, part=part, kind=BASIC_AUTH, more_labels=RELOAD)))
