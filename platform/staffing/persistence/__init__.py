"""The database: engine, transactions, tenancy, jobs, audit."""
