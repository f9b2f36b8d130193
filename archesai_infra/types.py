"""The vocabulary of settings: annotated types whose messages say what is wrong and what would be right."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from archesai_infra.quantities import cpu_cores, memory_bytes

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HOSTNAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[a-z0-9]([a-z0-9._:-]*[a-z0-9])?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*")
_IMAGE_NAME = re.compile(rf"{_REPOSITORY.pattern}:{_TAG.pattern}")
_DURATION = re.compile(r"([0-9]+h)?([0-9]+m)?([0-9]+s)?")
_CRON = re.compile(r"(@(hourly|daily|weekly|monthly))|(\S+ \S+ \S+ \S+ \S+)")
_SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OCI = re.compile(r"oci://[a-z0-9.:/-]+[a-z0-9]")
_HOST_PORT = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}")
_URL = re.compile(r"https?://[^#\s]+")
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def _matching(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value) or not value:
            raise ValueError(rule)
        return value

    return AfterValidator(check)


def _text(value: object) -> object:
    """Take the numbers that YAML and `pulumi config set --path` make of text such as `1.10` or `080`."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _memory(value: str) -> str:
    memory_bytes(value)
    return value


def _cpu(value: str) -> str:
    cpu_cores(value)
    return value


def _cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError("must be a network in CIDR notation, such as 10.0.0.0/8") from error


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise ValueError("must be an IP address, such as 172.18.0.1") from error


Text = Annotated[str, BeforeValidator(_text)]
"""Text that may be written as a number: `pulumi config set --path` makes one of `60`."""

DnsLabel = Annotated[
    str, _matching(_DNS_LABEL, "must be a DNS label: lower-case letters, digits and '-', at most 63 characters")
]
"""Name of a Kubernetes object, such as `archesai` (RFC 1123 label)."""

Hostname = Annotated[str, _matching(_HOSTNAME, "must be a host name in lower case, such as example.com")]
"""A DNS name without scheme, port or path."""

MemoryQuantity = Annotated[str, BeforeValidator(_text), AfterValidator(_memory)]
"""Bytes as a Kubernetes quantity: `512Mi`, `2Gi`, `1G`."""

CpuQuantity = Annotated[str, BeforeValidator(_text), AfterValidator(_cpu)]
"""CPU as a Kubernetes quantity: `250m`, `1`, `1.5`."""

ImageTag = Annotated[str, BeforeValidator(_text), _matching(_TAG, "must be an image tag, such as v1.0.0")]
ImageDigest = Annotated[str, _matching(_DIGEST, "must be sha256: and 64 hexadecimal digits")]
ImageName = Annotated[str, _matching(_IMAGE_NAME, "must be repository:tag, such as redis:7.4.11-alpine3.21")]
ImageRepository = Annotated[
    str, _matching(_REPOSITORY, "must be an image repository without tag, such as ghcr.io/archesai/api")
]

Duration = Annotated[str, _matching(_DURATION, "must be a duration, such as 720h, 10m or 30s")]
"""A Go duration of hours, minutes and seconds."""

CronSchedule = Annotated[
    str, _matching(_CRON, "must be a cron schedule of five fields, such as '0 * * * *', or @hourly, @daily, @weekly")
]
SqlName = Annotated[
    str, _matching(_SQL_NAME, "must be an SQL name: lower-case letters, digits and '_', at most 63 characters")
]
BucketName = Annotated[
    str, _matching(_BUCKET, "must be a bucket name of 3 to 63 lower-case letters, digits, '.' or '-'")
]
DottedPath = Annotated[str, _matching(_PATH, "must be a path of names joined by dots, such as auth.google.clientId")]
Email = Annotated[str, _matching(_EMAIL, "must be an e-mail address, such as operations@example.com")]
HostPort = Annotated[str, _matching(_HOST_PORT, "must be host:port, such as mail.example.com:587")]
HttpUrl = Annotated[str, _matching(_URL, "must be a URL without a fragment, such as https://example.com/runbooks")]
OciAddress = Annotated[str, _matching(_OCI, "must be an OCI address, such as oci://registry.example.com/charts")]
SecretKeyName = Annotated[str, _matching(_SECRET_KEY, "must be a key of a Secret: letters, digits, '-', '_' or '.'")]
Cidr = Annotated[str, AfterValidator(_cidr)]
IpAddress = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=1, le=100)]
