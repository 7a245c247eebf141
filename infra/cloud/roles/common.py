"""Grants that several roles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.vocabulary import PUBLISH_ORDER
from infra.cloud.grants import Grant
from infra.cloud.naming import Names, arn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def bear_tags(tags: Mapping[str, str], *, requested: bool = False) -> dict[str, dict[str, str]]:
    """The condition that a cluster bears all of these tags, or is requested with them."""
    where = "RequestTag" if requested else "ResourceTag"
    return {"StringEquals": {f"elasticmapreduce:{where}/{key}": value for key, value in tags.items()}}


def use_key(key_arn: str, why: str) -> Grant:
    """Encrypt and decrypt with the deployment's key."""
    return Grant(sid="UseKey", why=why, actions=KEY_ACTIONS, resources=(key_arn,))


def catalog(names: Names, sid: str, why: str, actions: Sequence[str], tables: Sequence[str] = PUBLISH_ORDER) -> Grant:
    """Actions on the deployment's database and its tables; Glue wants catalog, database and table named.

    Tables are named one by one, so that a role reaches no others of the database.

    Args:
        names: The deployment's names.
        sid: Name of the grant in the policy.
        why: What needs it.
        actions: ``glue:Action`` without wildcards.
        tables: Names of the tables; all that the pipeline publishes.
    """
    named = [arn("glue", f"table/{names.database}/{table}") for table in tables]
    resources = (arn("glue", "catalog"), arn("glue", f"database/{names.database}"), *named)
    return Grant(sid=sid, why=why, actions=tuple(actions), resources=resources)
