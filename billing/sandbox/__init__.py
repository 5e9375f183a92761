"""The payment sandbox: a local Stripe with its own storage, hosted pages and signed webhooks, reached over HTTP alone.

An island: nothing of the product is imported here, and the product imports nothing but `billing.sandbox.app.create_app`.
"""
