"""Synthesised templates as a whole, with references filled in as CloudFormation would."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT, REGION = "123456789012", "us-west-2"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
NAME_KEYS = ("BucketName", "RoleName", "InstanceProfileName", "LogGroupName", "Name", "TopicName")
SHORT = {"AWS::EC2::SecurityGroup": "sg", "AWS::EC2::Subnet": "subnet", "AWS::EC2::VPC": "vpc"}
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
}


@dataclass
class Templates:
    """The templates of one stage by what they are for (`network`, `lake`, ...)."""

    stage: str
    documents: dict[str, dict[str, Any]]
    assembly: Path
    exports: dict[str, tuple[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder, stage):
        documents = {
            path.name.removesuffix(".template.json").removeprefix(f"{stage}-"): json.loads(path.read_text())
            for path in sorted(folder.glob("*.template.json"))
        }
        made = cls(stage, documents, folder)
        for kind, document in documents.items():
            for output in document.get("Outputs", {}).values():
                if "Export" in output:
                    made.exports[output["Export"]["Name"]] = (kind, output["Value"])
        return made

    def resources(self, kind, type_):
        """Logical id to resolved properties."""
        found = self.documents[kind]["Resources"].items()
        return {name: self.resolve(kind, one.get("Properties", {})) for name, one in found if one["Type"] == type_}

    def only(self, kind, type_):
        (one,) = self.resources(kind, type_).values()
        return one

    def everything(self):
        """(stack, logical id, resource) of all stacks."""
        for kind, document in self.documents.items():
            for name, resource in document["Resources"].items():
                yield kind, name, resource

    def statements(self, role_name):
        """Resolved statements of the policies of the role whose name or logical id begins so."""
        found = []
        for kind in self.documents:
            for policy in self.resources(kind, "AWS::IAM::Policy").values():
                if any(str(role).startswith(role_name) for role in policy["Roles"]):
                    found += policy["PolicyDocument"]["Statement"]
        assert found, f"no policy for role {role_name}"
        return found

    def managed(self, name):
        """Resolved statements of the managed policy of this name."""
        policies = [one for kind in self.documents for one in self.resources(kind, "AWS::IAM::ManagedPolicy").values()]
        (found,) = [policy for policy in policies if policy["ManagedPolicyName"] == name]
        return found["PolicyDocument"]["Statement"]

    def resolve(self, kind, node):  # noqa: PLR0911 - one for each intrinsic function
        match node:
            case {"Ref": name} if len(node) == 1:
                return PSEUDO[name] if name in PSEUDO else self._name(kind, name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(kind, name, attribute)
            case {"Fn::ImportValue": name}:
                return self.resolve(*self.exports[name])
            case {"Fn::Join": [delimiter, items]}:
                return delimiter.join(str(self.resolve(kind, item)) for item in items)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: str(self.resolve(kind, {"Ref": found[1]})), text)
            case {"Fn::If": [_, _, otherwise]}:
                return self.resolve(kind, otherwise)
            case {"Fn::Select": [index, {"Fn::GetAZs": _}]}:
                return REGION + "ab"[int(index)]
            case dict():
                return {key: self.resolve(kind, value) for key, value in node.items()}
            case list():
                return [self.resolve(kind, value) for value in node]
        return node

    def _name(self, kind, name):
        resource = self.documents[kind]["Resources"].get(name)
        if resource is None:
            return f"<{name}>"
        properties = resource.get("Properties", {})
        given = next((properties[key] for key in NAME_KEYS if isinstance(properties.get(key), str | dict)), None)
        if given is not None:
            return self.resolve(kind, given)
        prefix = SHORT.get(resource["Type"])
        return f"{prefix}-{name}" if prefix else name

    def _attribute(self, kind, name, attribute):
        type_ = self.documents[kind]["Resources"][name]["Type"]
        if attribute == "Arn" and type_ in ARNS:
            return ARNS[type_].format(name=self._name(kind, name), region=REGION, account=ACCOUNT)
        return self._name(kind, name) if attribute in {"GroupId", "SubnetId", "VpcId"} else f"<{name}.{attribute}>"
