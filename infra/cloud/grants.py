"""Permissions with their reasons, made into a policy; a wildcard without a reason is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam

from infra.cloud.errors import GrantError

if TYPE_CHECKING:
    from constructs import Construct, IConstruct


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One statement of a policy.

    Attributes:
        sid: Its name in the policy.
        why: What needs it; said to reviewers where it holds a wildcard.
        actions: ``service:Action`` without wildcards.
        resources: ARNs.
        conditions: Operator to key to value.
        effect: ``Deny`` takes away what other grants of the role allow.
    """

    sid: str
    why: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    effect: Literal["Allow", "Deny"] = "Allow"

    def statement(self) -> iam.PolicyStatement:
        """The statement.

        Raises:
            GrantError: An action holds a wildcard, or `why` is too short to be a reason.
        """
        vague = [action for action in self.actions if "*" in action]
        if vague:
            raise GrantError(f"grant {self.sid}: actions are listed one by one, got {', '.join(vague)}")
        if len(self.why.split()) < 5:
            raise GrantError(f"grant {self.sid}: say in a sentence what needs it, got {self.why!r}")
        return iam.PolicyStatement(
            sid=self.sid,
            effect=iam.Effect.ALLOW if self.effect == "Allow" else iam.Effect.DENY,
            actions=list(self.actions),
            resources=list(self.resources),
            conditions=dict(self.conditions),
        )


def give(role: iam.Role, name: str, grants: Sequence[Grant]) -> iam.Policy:
    """An inline policy of these grants; each wildcard among their resources is acknowledged with its `why`.

    Args:
        role: What gets the policy.
        name: Id of the policy in the role.
        grants: What the role may do.
    """
    policy = iam.Policy(role, name, statements=[grant.statement() for grant in grants], roles=[role])
    _acknowledge(policy, grants)
    return policy


def offer(scope: Construct, name: str, grants: Sequence[Grant], *, policy_name: str, about: str) -> iam.ManagedPolicy:
    """A managed policy of these grants, which the account attaches to whom it likes.

    Args:
        scope: Where to make it.
        name: Its id there.
        grants: What it allows.
        policy_name: Its name in the account.
        about: Its description.
    """
    policy = iam.ManagedPolicy(
        scope,
        name,
        managed_policy_name=policy_name,
        description=about,
        statements=[grant.statement() for grant in grants],
    )
    _acknowledge(policy, grants)
    return policy


def _acknowledge(policy: Construct, grants: Sequence[Grant]) -> None:
    for resource, whys in _reasons(policy, grants).items():
        accept(policy, f"IAM5[Resource::{resource}]", " ".join(whys))


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge a finding of cdk-nag's AwsSolutions pack, here and below.

    Args:
        construct: Where it was found, or an ancestor.
        rule: Without the pack's name, such as ``L1`` or ``IAM5[Resource::*]``.
        reason: For a security reviewer.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))


def _reasons(scope: IConstruct, grants: Sequence[Grant]) -> dict[str, list[str]]:
    """Resources with a wildcard, flattened as cdk-nag reports them, and why each is needed."""
    stack, found = Stack.of(scope), dict[str, list[str]]()
    for grant in grants:
        for resource in grant.resources if grant.effect == "Allow" else ():
            flat = flatten(stack.resolve(resource))
            if "*" in flat:
                found.setdefault(flat, []).append(f"{grant.sid}: {grant.why}")
    return found


def flatten(node: Any) -> str:
    """A CloudFormation value as one string, references in angle brackets, in cdk-nag's spelling."""
    if isinstance(node, str):
        return node.replace("${", "<").replace("}", ">")
    match node:
        case {"Fn::Join": [str(delimiter), list(items)]}:
            return delimiter.join(map(flatten, items))
        case {"Fn::Sub": body} | {"Fn::ImportValue": body}:
            return flatten(body)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{flatten(name)}.{flatten(attribute)}>"
        case {"Ref": name}:
            return f"<{flatten(name)}>"
    return json.dumps(node, separators=(",", ":"))
