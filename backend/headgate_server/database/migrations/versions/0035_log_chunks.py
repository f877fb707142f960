"""Words of logs in chunks, with who may look for them, and an index of the late runs."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

WORDS = r"""
create function log_words(message text) returns setof text
language sql immutable parallel safe as $$
  select distinct left(word, 64)
  from regexp_split_to_table(lower(message), '\W+') as word
  where word <> ''
$$
"""

# Row-level security comes before operators that might leak, and so before an index on words: as
# the role of the application no search would use it. This function looks as the owner instead, in
# the one workspace that the transaction is bound to.
FIND = r"""
create function find_log_chunks(
  wanted text, of_flow uuid, of_run uuid, least_level bigint, since timestamptz,
  until timestamptz, after_at timestamptz, after_run uuid, after_sequence bigint, most integer
) returns table (
  flow_run_id uuid, first_sequence bigint, last_sequence bigint, first_at timestamptz,
  last_at timestamptz
)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  place uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
  parts text[] := array(
    select left(part, 64)
    from unnest(regexp_split_to_array(lower(wanted), '\W+')) as part
    where part <> ''
  );
  sought tsquery;
begin
  if cardinality(parts) > 0 then
    sought := (
      '''~' || place || ''' & ((''' || array_to_string(parts, ''' & ''') || ''''
      || case when wanted ~ '\w$' then ':*' else '' end || ') | ''~more'')'
    )::tsquery;
  end if;
  return query execute '
    select c.flow_run_id, c.first_sequence, c.last_sequence, c.first_at, c.last_at
    from log_chunks c
    where c.workspace_id = $1
      and ($2 is null or c.words @@ $2)
      and ($3 is null or c.flow_id = $3)
      and ($4 is null or c.flow_run_id = $4)
      and ($5 is null or c.max_level >= $5)
      and ($6 is null or c.last_at >= $6)
      and ($7 is null or (c.first_at <= $7 and c.last_at < $7 + interval ''15 minutes''))
      and ($8 is null or (c.last_at, c.flow_run_id, c.first_sequence) < ($8, $9, $10))
    order by c.last_at desc, c.flow_run_id desc, c.first_sequence desc
    limit $11'
  using place, sought, of_flow, of_run, least_level, since, until, after_at, after_run,
    after_sequence, most;
end $$
"""


def upgrade() -> None:
    op.create_index('ix_flow_runs_late', 'flow_runs', ['workspace_id', 'expected_start', 'id'], unique=False, postgresql_where=sa.text("state_name = 'Late'"))
    op.add_column('flow_run_cursors', sa.Column('chunked_sequence', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    # What is there already is due now, without a row being written.
    op.add_column('flow_run_cursors', sa.Column('chunk_due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=True))
    op.alter_column('flow_run_cursors', 'chunk_due_at', server_default=None)
    op.create_index('ix_flow_run_cursors_due', 'flow_run_cursors', ['chunk_due_at'], unique=False, postgresql_where=sa.text('chunk_due_at is not null'))
    op.create_index('ix_flow_run_cursors_unchunked', 'flow_run_cursors', ['workspace_id', 'flow_run_id'], unique=False, postgresql_where=sa.text('chunk_due_at is not null'))
    op.create_table('log_chunks',
    sa.Column('workspace_id', sa.UUID(), nullable=False),
    sa.Column('flow_run_id', sa.UUID(), nullable=False),
    sa.Column('first_sequence', sa.BigInteger(), nullable=False),
    sa.Column('last_sequence', sa.BigInteger(), nullable=False),
    sa.Column('flow_id', sa.UUID(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('max_level', sa.BigInteger(), nullable=False),
    sa.Column('words', postgresql.TSVECTOR(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'flow_run_id'], ['flow_runs.workspace_id', 'flow_runs.id'], name=op.f('fk_log_chunks_flow_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'flow_run_id', 'first_sequence', name=op.f('pk_log_chunks'))
    )
    op.create_index('ix_log_chunks_latest', 'log_chunks', ['workspace_id', 'last_at', 'flow_run_id', 'first_sequence'], unique=False)
    op.create_index('ix_log_chunks_words', 'log_chunks', ['words'], unique=False, postgresql_using='gin')
    prefix = context.config.attributes["role_prefix"]
    app, system = f"{prefix}_app", f"{prefix}_system"
    op.execute(WORDS)
    op.execute(FIND)
    _wall("log_chunks", app=app, system=system)
    op.execute("create policy owner on log_chunks for select to current_user using (true)")
    arguments = "text, uuid, uuid, bigint, timestamptz, timestamptz, timestamptz, uuid, bigint, integer"
    op.execute(f"revoke all on function find_log_chunks({arguments}) from public")
    op.execute(f'grant execute on function find_log_chunks({arguments}) to "{app}", "{system}"')


def downgrade() -> None:
    op.execute("drop function find_log_chunks")
    op.drop_table("log_chunks")
    op.execute("drop function log_words")
    op.drop_index("ix_flow_run_cursors_unchunked", table_name="flow_run_cursors")
    op.drop_index("ix_flow_run_cursors_due", table_name="flow_run_cursors")
    op.drop_column("flow_run_cursors", "chunk_due_at")
    op.drop_column("flow_run_cursors", "chunked_sequence")
    op.drop_index("ix_flow_runs_late", table_name="flow_runs")


def _wall(table: str, *, app: str, system: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f'create policy tenant on {table} to "{app}" '
        "using (workspace_id = (select current_setting('app.workspace_id')::uuid)) "
        "with check (workspace_id = (select current_setting('app.workspace_id')::uuid))"
    )
    op.execute(f'create policy system on {table} to "{system}" using (true) with check (true)')
    op.execute(f'grant select, insert, update, delete on {table} to "{app}", "{system}"')
