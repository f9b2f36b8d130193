"""The vocabulary of settings: annotated types whose messages say what is wrong and what would be right."""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from archesai_infra import cron
from archesai_infra.quantities import cpu_cores, memory_bytes

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HOSTNAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_KUBERNETES_MINOR = re.compile(r"1\.(3[4-9]|[4-9][0-9])")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[a-z0-9]([a-z0-9._:-]*[a-z0-9])?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*")
_IMAGE_NAME = re.compile(rf"{_REPOSITORY.pattern}:{_TAG.pattern}")
_DURATION = re.compile(r"(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?")
_SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_DATABASE = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
_BUCKET = re.compile(r"(?![0-9.]+$)(?!.*\.[.-])(?!.*-\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_URL_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OCI = re.compile(r"oci://[a-z0-9.:/-]+[a-z0-9]")
_URL = re.compile(r"https?://[^#\s]+")
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_REDIS_USER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REDIS_COMMAND = re.compile(r"[a-z]+(\|[a-z-]+)?")
_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class Rule(ABC):
    """What text must be beyond being text: the check, and its words for messages and for `config explain`."""

    rule: str
    """Begins with "must be"."""

    @abstractmethod
    def check(self, value: str) -> str:
        """The value as it is used; raises ValueError."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - any type
        """Check after the type."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))


@dataclass(frozen=True)
class Matching(Rule):
    """Text that a pattern matches as a whole."""

    pattern: re.Pattern[str]

    def check(self, value: str) -> str:
        """The value itself."""
        if not self.pattern.fullmatch(value):
            raise ValueError(self.rule)
        return value

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """With the pattern, so that editors mark a wrong value."""
        return handler(schema) | {"pattern": f"^(?:{self.pattern.pattern})$"}


@dataclass(frozen=True)
class Checked(Rule):
    """Text that a function judges: it returns the value to use, or raises ValueError."""

    function: Callable[[str], object]

    def check(self, value: str) -> str:
        """The function's text, or the value itself where it returns something else."""
        result = self.function(value)
        return result if isinstance(result, str) else value


def _text(value: object) -> object:
    """Whole numbers as text: `pulumi config set --path` makes a number of `60`. Of a decimal the zeros are lost."""
    if isinstance(value, float):
        raise ValueError("is a number to YAML: write it in quotes")  # noqa: TRY004 - pydantic wants ValueError
    return _number(value)


def _number(value: object) -> object:
    """Numbers as text, for what is a number: `1.5` and `1.50` are the same amount of CPU."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(_CIDR_RULE) from None


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(_ADDRESS_RULE) from None


def _hostname(value: str) -> None:
    """A name, or an IPv4 address: four numbers that are no valid address are refused."""
    numeric = value.replace(".", "").isdigit()
    if not _HOSTNAME.fullmatch(value) or (numeric and not _is_address(value)):
        raise ValueError(_HOST_RULE)


def _is_address(value: str) -> bool:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


def _host_port(value: str) -> None:
    host, colon, port = value.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or port != port.lstrip("0") or int(port) > _LAST_PORT:
        raise ValueError(_HOST_PORT_RULE)
    try:
        _hostname(host.lower())
    except ValueError:
        raise ValueError(_HOST_PORT_RULE) from None


def _url(value: str) -> None:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(_URL_RULE) from None
    if not _URL.fullmatch(value) or not parts.hostname or port == 0:
        raise ValueError(_URL_RULE)


def _duration(value: str) -> None:
    """More than nothing, and no more than Go's 64 bits of nanoseconds hold."""
    if _DURATION.fullmatch(value) is None or not 0 < duration_seconds(value) < _LONGEST_SECONDS:
        raise ValueError(_DURATION_RULE)


def duration_seconds(value: str) -> int:
    """Seconds of a duration such as `1h30m`."""
    match = _DURATION.fullmatch(value)
    hours, minutes, seconds = (int((group or "0s")[:-1]) for group in match.groups()) if match else (0, 0, 0)
    return hours * 3600 + minutes * 60 + seconds


_LAST_PORT = 65535
_LONGEST_SECONDS = 2**63 // 10**9
_CIDR_RULE = "must be a network in CIDR notation, such as 10.0.0.0/8"
_ADDRESS_RULE = "must be an IP address, such as 172.18.0.1"
_HOST_RULE = "must be a host name in lower case, such as example.com"
_HOST_PORT_RULE = "must be host:port, such as mail.example.com:587"
_URL_RULE = "must be a URL without a fragment, such as https://example.com/runbooks"
_DURATION_RULE = "must be a duration above zero, such as 720h, 10m or 30s"
_MEMORY_RULE = "must be a quantity of bytes, such as 512Mi or 10Gi"
_CPU_RULE = "must be a quantity of CPU, such as 250m or 1"

Text = Annotated[str, BeforeValidator(_text)]
"""Text that may be written as a whole number: `pulumi config set --path` makes one of `60`."""

DnsLabel = Annotated[
    str, Matching("must be a DNS label: lower-case letters, digits and '-', at most 63 characters", _DNS_LABEL)
]
"""Name of a Kubernetes object, such as `archesai` (RFC 1123 label)."""

Hostname = Annotated[str, Checked(_HOST_RULE, _hostname)]
"""A DNS name without scheme, port or path."""

MemoryQuantity = Annotated[str, BeforeValidator(_number), Checked(_MEMORY_RULE, memory_bytes)]
"""Bytes as a Kubernetes quantity: `512Mi`, `2Gi`, `1G`."""

CpuQuantity = Annotated[str, BeforeValidator(_number), Checked(_CPU_RULE, cpu_cores)]
"""CPU as a Kubernetes quantity: `250m`, `1`, `1.5`."""

KubernetesMinor = Annotated[
    str, BeforeValidator(_text), Matching("must be a minor version from 1.34 on, such as 1.36", _KUBERNETES_MINOR)
]
"""Version of an API server without its last number."""

ImageTag = Annotated[str, BeforeValidator(_text), Matching("must be an image tag, such as v1.0.0", _TAG)]
ImageDigest = Annotated[str, Matching("must be sha256: and 64 hexadecimal digits", _DIGEST)]
ImageName = Annotated[str, Matching("must be repository:tag, such as redis:7.4.11-alpine3.21", _IMAGE_NAME)]
ImageRepository = Annotated[
    str, Matching("must be an image repository without tag, such as ghcr.io/archesai/api", _REPOSITORY)
]

Duration = Annotated[str, Checked(_DURATION_RULE, _duration)]
"""A Go duration of hours, minutes and seconds."""

CronSchedule = Annotated[str, Checked(cron.RULE, cron.check_schedule)]
SqlName = Annotated[
    str, Matching("must be an SQL name: lower-case letters, digits and '_', at most 63 characters", _SQL_NAME)
]
DatabaseName = Annotated[
    str, Matching("must be a database name: lower-case letters, digits, '_' and '-', at most 63 characters", _DATABASE)
]
BucketName = Annotated[
    str, Matching("must be a bucket name of 3 to 63 lower-case letters, digits, '.' or '-'", _BUCKET)
]
DottedPath = Annotated[str, Matching("must be a path of names joined by dots, such as auth.google.clientId", _PATH)]
UrlPath = Annotated[str, Matching("must be a path of a URL, such as /health", _URL_PATH)]
Email = Annotated[str, Matching("must be an e-mail address, such as operations@example.com", _EMAIL)]
HostPort = Annotated[str, Checked(_HOST_PORT_RULE, _host_port)]
HttpUrl = Annotated[str, Checked(_URL_RULE, _url)]
OciAddress = Annotated[str, Matching("must be an OCI address, such as oci://registry.example.com/charts", _OCI)]
SecretKeyName = Annotated[str, Matching("must be a key of a Secret: letters, digits, '-', '_' or '.'", _SECRET_KEY)]
RedisCommand = Annotated[
    str, Matching("must be a command of redis in lower case, such as keys or config|get", _REDIS_COMMAND)
]
RedisUser = Annotated[str, Matching("must be a user of redis: letters, digits, '.', '_' or '-'", _REDIS_USER)]
Cidr = Annotated[str, Checked(_CIDR_RULE, _cidr)]
IpAddress = Annotated[str, Checked(_ADDRESS_RULE, _address)]
Port = Annotated[int, Field(ge=1, le=65535)]
UserId = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Number of an unprivileged user or group."""
Percent = Annotated[int, Field(ge=1, le=100)]
