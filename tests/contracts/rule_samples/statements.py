"""Samples: statements, whole and put together; and settings of sessions."""


async def ask(connection, text, name, value, statement):
    # ruleid: statements-are-whole
    await connection.execute(f"select * from {name}")
    # ruleid: statements-are-whole
    await connection.execute(text(f"select {value}"))
    # ruleid: statements-are-whole
    await connection.fetchval("select '%s'" % value)
    # ruleid: statements-are-whole
    await connection.exec_driver_sql("drop table " + name)
    # ruleid: statements-are-whole
    await connection.fetch("select {}".format(value))
    # ok: statements-are-whole
    await connection.execute(text("select :value"), {"value": value})
    # ok: statements-are-whole
    await connection.execute(statement)
    # ruleid: tenants-are-bound-to-transactions
    await connection.execute(text("select set_config('app.workspace_id', :id, false)"))
    # ruleid: tenants-are-bound-to-transactions
    await connection.execute("set session app.workspace_id = 'x'")
    # ruleid: tenants-are-bound-to-transactions
    await connection.execute("set role headgate_system")
    # ok: tenants-are-bound-to-transactions
    await connection.execute(text("select set_config('app.workspace_id', :id, true)"))
    # ok: tenants-are-bound-to-transactions
    await connection.execute("set local lock_timeout = '2s'")
