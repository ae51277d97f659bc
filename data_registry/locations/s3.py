"""An object in a bucket that the site was given. Credentials are the worker's own, as boto3 finds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core.blobs import CHUNK
from core.errors import InvalidInput
from data_registry.locations.unreachable import Unreachable

FIELDS = ("bucket", "key")
CONNECT, READ, TRIES = 5, 60, 3  # seconds, seconds, attempts


def check(*, bucket: str, key: str) -> None:
    """Refuse an object outside the buckets and prefixes that the site was given: the worker's credentials may open more."""
    if not _allowed(bucket, key):
        raise InvalidInput(
            _("This site does not read %(place)s: an administrator names buckets with COUNTERSIGN_DATA_S3.")
            % {"place": words(bucket=bucket, key=key)},
            code="no_such_place",
        )


def read(*, bucket: str, key: str) -> Iterator[bytes]:
    """The object's chunks. Raises Unreachable."""
    if not _allowed(bucket, key):
        raise Unreachable(
            _("This worker may not read %(place)s (COUNTERSIGN_DATA_S3).") % {"place": words(bucket=bucket, key=key)}
        )
    yield from chunks_of(bucket, key)


def words(*, bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def chunks_of(bucket: str, key: str) -> Iterator[bytes]:
    """The chunks of an object that may be read. Raises Unreachable."""
    try:
        import boto3  # noqa: PLC0415 - an extra, and only workers read
        from botocore.config import Config  # noqa: PLC0415 - as above
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError  # noqa: PLC0415 - as above
    except ImportError as error:
        raise Unreachable(
            _("This worker cannot read from S3, because boto3 is not installed there: pip install 'countersign[s3]'.")
        ) from error
    try:
        config = Config(connect_timeout=CONNECT, read_timeout=READ, retries={"total_max_attempts": TRIES})
        body: Any = boto3.client("s3", config=config).get_object(Bucket=bucket, Key=key)["Body"]
        yield from body.iter_chunks(CHUNK)
    except ClientError as error:
        why = error.response.get("Error", {}).get("Code", "") or type(error).__name__
        raise Unreachable(
            _("%(place)s cannot be read: the store says %(why)s.")
            % {"place": words(bucket=bucket, key=key), "why": str(why)[:100]}
        ) from error
    except (BotoCoreError, HTTPClientError, OSError) as error:  # no credentials, no answer, an answer that breaks off
        raise Unreachable(
            _("%(place)s cannot be reached (%(why)s).") % {"place": words(bucket=bucket, key=key), "why": type(error).__name__}
        ) from error


def _allowed(bucket: str, key: str) -> bool:
    """Whether a place that the site was given (s3://bucket, or s3://bucket/prefix) holds the object."""
    if any(part in {".", ".."} for part in key.split("/")):
        return False
    for place in settings.DATA_S3:
        name, _slash, prefix = place.removeprefix("s3://").partition("/")
        if bucket == name and (not prefix or key.startswith(prefix.rstrip("/") + "/")):
            return True
    return False
