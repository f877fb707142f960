"""The verbs of the product, one transaction's worth of meaning each."""
