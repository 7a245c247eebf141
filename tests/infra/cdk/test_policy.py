"""The evaluator that the other tests trust."""

import pytest

from tests.infra.cdk.policy import Request, is_allowed, like


def statement(effect="Allow", action="s3:GetObject", resource="arn:aws:s3:::b/*", **more):
    return {"Sid": "x", "Effect": effect, "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("a*", "abc", True),
        ("a*", "ba", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("[a]*", "a", False),
        ("*", "", True),
    ],
)
def test_wildcards(pattern, value, expected):
    assert like(pattern, value) is expected


def test_nothing_is_allowed_by_silence():
    assert not is_allowed([], Request("s3:GetObject", "arn:aws:s3:::b/k"))
    assert not is_allowed([statement()], Request("s3:PutObject", "arn:aws:s3:::b/k"))
    assert not is_allowed([statement()], Request("s3:GetObject", "arn:aws:s3:::c/k"))
    assert is_allowed([statement()], Request("S3:getobject", "arn:aws:s3:::b/k"))
    assert not is_allowed([statement()], Request("s3:GetObject", "arn:aws:s3:::B/k"))


def test_a_denial_wins():
    policy = [statement(), statement("Deny", "s3:*", "arn:aws:s3:::b/secret/*")]
    assert is_allowed(policy, Request("s3:GetObject", "arn:aws:s3:::b/k"))
    assert not is_allowed(policy, Request("s3:GetObject", "arn:aws:s3:::b/secret/k"))


def test_all_conditions_must_hold_and_a_missing_key_does_not():
    policy = [
        statement(
            action=["iam:PassRole"],
            resource="*",
            Condition={"StringEquals": {"a": ["x", "y"]}, "Bool": {"b": "true"}},
        )
    ]
    for context, expected in (
        ({"a": "x", "b": "true"}, True),
        ({"a": "y", "b": True}, True),
        ({"a": "z", "b": "true"}, False),
        ({"a": "x"}, False),
        ({"a": "x", "b": "false"}, False),
        ({}, False),
    ):
        assert is_allowed(policy, Request("iam:PassRole", "r", context)) is expected, context
    with pytest.raises(NotImplementedError):
        is_allowed([statement(Condition={"IpAddress": {"x": "y"}})], Request("s3:GetObject", "arn:aws:s3:::b/k"))
    with pytest.raises(NotImplementedError):
        is_allowed([{"Sid": "x", "Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], Request("s3:GetObject"))
