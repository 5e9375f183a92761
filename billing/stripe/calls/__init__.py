"""The calls to Stripe by subject; `billing.stripe.gateway.StripeGateway` has them all."""
