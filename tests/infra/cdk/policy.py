"""What IAM decides about a request, for identity policies without boundaries.

After the IAM guide, "Policy evaluation logic" and "IAM JSON policy elements": a matching Deny wins, then a matching
Allow is needed; a condition whose key the request lacks does not match.
"""

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    action: str
    resource: str = "*"
    context: dict[str, Any] = field(default_factory=dict)

    def __str__(self):
        return f"{self.action} on {self.resource} {self.context or ''}".strip()


def is_allowed(statements, request):
    matching = [one for one in statements if _matches(one, request)]
    return any(one["Effect"] == "Allow" for one in matching) and not any(one["Effect"] == "Deny" for one in matching)


def like(pattern, value, *, fold=False):
    """IAM's wildcards: any characters, and one character; nothing else is special."""
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(text, value, re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def _matches(statement, request):
    if unknown := set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
        raise NotImplementedError(f"{unknown} in {statement}")
    return (
        any(like(pattern, request.action, fold=True) for pattern in _list(statement["Action"]))
        and any(like(pattern, request.resource) for pattern in _list(statement["Resource"]))
        and all(_holds(*item, request.context) for item in statement.get("Condition", {}).items())
    )


def _holds(operator, keys, context):
    compare = {
        "StringEquals": lambda wanted, given: wanted == given,
        "StringLike": like,
        "ArnLike": like,
        "Bool": lambda wanted, given: wanted == str(given).lower(),
    }
    if operator == "StringNotEquals":
        # Negated operators hold where the request lacks the key.
        return all(key not in context or context[key] not in _list(values) for key, values in keys.items())
    if operator not in compare:
        raise NotImplementedError(f"condition operator {operator}")
    return all(
        key in context and any(compare[operator](wanted, context[key]) for wanted in _list(values))
        for key, values in keys.items()
    )


def _list(value):
    return value if isinstance(value, list) else [value]
