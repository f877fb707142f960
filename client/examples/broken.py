"""A flow that fails, and says clearly why: what a failed run looks like."""

from headgate import flow, get_run_logger, task

ORDERS = [
    {"order": 1001, "amount": "12.50"},
    {"order": 1002, "amount": "8.00"},
    {"order": 1003, "amount": ""},
]


@task
def total(orders: list[dict[str, str | int]]) -> float:
    """Add up the amounts."""
    amounts: list[float] = []
    for order in orders:
        if order["amount"] == "":
            message = f"Order {order['order']} has no amount"
            raise ValueError(message)
        amounts.append(float(order["amount"]))
    return sum(amounts)


@flow
def broken() -> float:
    """Add up orders of which one is not complete."""
    get_run_logger().info("%d orders to add up", len(ORDERS))
    return total(ORDERS)


if __name__ == "__main__":
    broken()
