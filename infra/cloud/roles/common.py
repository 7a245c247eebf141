"""Grants that several roles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claylake.vocabulary import PUBLISH_ORDER
from infra.cloud.grants import Grant
from infra.cloud.naming import Names, arn

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def use_key(key_arn: str, why: str) -> Grant:
    """Encrypt and decrypt with the deployment's key."""
    return Grant(sid="UseKey", why=why, actions=KEY_ACTIONS, resources=(key_arn,))


def catalog(names: Names, sid: str, why: str, actions: Sequence[str]) -> Grant:
    """Actions on the deployment's database and its tables; Glue wants catalog, database and table named.

    The five tables are named one by one, so that a role reaches no others of the database.

    Args:
        names: The deployment's names.
        sid: Name of the grant in the policy.
        why: What needs it.
        actions: ``glue:Action`` without wildcards.
    """
    tables = [arn("glue", f"table/{names.database}/{table}") for table in PUBLISH_ORDER]
    resources = (arn("glue", "catalog"), arn("glue", f"database/{names.database}"), *tables)
    return Grant(sid=sid, why=why, actions=tuple(actions), resources=resources)
