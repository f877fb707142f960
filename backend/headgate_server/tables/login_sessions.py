"""How people sign in: identities of other providers, login sessions, tokens used once, CLIs.

None of them belongs to a tenant, and only the system's role may touch them.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from headgate_server.tables.metadata import flag, metadata, moment, number, uuid, words

identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    uuid("user_id"),
    moment("created_at", is_now=True),
    moment("last_used_at", is_nullable=True),
    Column("id", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    Index("ix_identities_user", "user_id"),
    Index("ux_identities_id", "id", unique=True),
)

login_sessions = Table(
    "login_sessions",
    metadata,
    uuid("id", is_key=True),
    uuid("user_id"),
    Column("secret_hash", BYTEA, nullable=False),
    uuid("organization_id", is_nullable=True),
    moment("created_at", is_now=True),
    moment("last_seen_at", is_now=True),
    moment("expires_at"),
    words("ip", is_nullable=True),
    words("user_agent", is_nullable=True),
    moment("revoked_at", is_nullable=True),
    flag("has_second_factor"),
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="SET NULL"),
    Index("ix_login_sessions_user", "user_id"),
    Index("ix_login_sessions_expires", "expires_at"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    uuid("id", is_key=True),
    words("purpose"),
    Column("token_hash", BYTEA, nullable=False),
    uuid("user_id", is_nullable=True),
    words("email", is_nullable=True),
    moment("created_at", is_now=True),
    moment("expires_at"),
    moment("used_at", is_nullable=True),
    CheckConstraint("purpose in ('RESET', 'INVITE', 'VERIFY', 'STATE')", name="purpose"),
    CheckConstraint("num_nonnulls(user_id, email) >= 1", name="whose"),
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    Index("ux_one_time_tokens_hash", "token_hash", unique=True),
    Index("ix_one_time_tokens_user", "user_id"),
    Index("ix_one_time_tokens_expires", "expires_at"),
)

cli_logins = Table(
    "cli_logins",
    metadata,
    uuid("id", is_key=True),
    words("kind"),
    Column("secret_hash", BYTEA, nullable=False),
    Column("user_code_hash", BYTEA, nullable=True),
    words("challenge", is_nullable=True),
    words("client"),
    words("ip", is_nullable=True),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    number("key_days"),
    uuid("user_id", is_nullable=True),
    uuid("organization_id", is_nullable=True),
    number("interval_seconds", default=5),
    moment("polled_at", is_nullable=True),
    moment("created_at", is_now=True),
    moment("expires_at"),
    moment("decided_at", is_nullable=True),
    flag("is_allowed"),
    moment("used_at", is_nullable=True),
    flag("has_second_factor"),
    CheckConstraint("kind in ('BROWSER', 'DEVICE')", name="kind"),
    CheckConstraint("(kind = 'BROWSER') = (challenge is not null)", name="challenge"),
    CheckConstraint("(kind = 'DEVICE') = (user_code_hash is not null)", name="user_code"),
    CheckConstraint(
        "not is_allowed or num_nonnulls(user_id, organization_id, decided_at) = 3", name="allowed"
    ),
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
    Index("ux_cli_logins_secret", "secret_hash", unique=True),
    Index("ux_cli_logins_user_code", "user_code_hash", unique=True),
    Index("ix_cli_logins_expires", "expires_at"),
)
