"""Who may call what: principals, access tokens, roles and the rule every rpc carries."""

from access.decision import OwnerOf, Ownership, allows, decide_access, nothing_owned
from access.keys import JwksSource, KeyCache, KeySource, SigningKey, StaticKeys, public_key_set
from access.principal import Principal, Role
from access.roles import RoleTable, role_table
from access.rules import AccessRule, rule_of
from access.tokens import TokenSigner, TokenVerifier

__all__ = [
    "AccessRule",
    "JwksSource",
    "KeyCache",
    "KeySource",
    "OwnerOf",
    "Ownership",
    "Principal",
    "Role",
    "RoleTable",
    "SigningKey",
    "StaticKeys",
    "TokenSigner",
    "TokenVerifier",
    "allows",
    "decide_access",
    "nothing_owned",
    "public_key_set",
    "role_table",
    "rule_of",
]
