"""Stripe at the edge of billing: the one place where money is asked for and given back.

`gateway.StripeGateway` makes the calls, fed by the frozen `values` through the one `payload` builder, under the `keys` that
callers stored before; it answers `results` and raises `failures`. `events` checks webhooks. Only `gateway`, `calls`,
`readings`, `translation` and `transport` load the Stripe library.
"""
