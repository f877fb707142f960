"""Events: facts for whoever listens, each after the one that it follows from."""

from headgate import flow, task
from headgate.events import Event, emit_event

ORDERS = {"A-1": 1990, "A-2": 45000, "A-3": 500}


@task(task_run_name="check {order}")
def check(order: str, cents: int) -> bool:
    """Say that an order came in, and whether somebody should look at it."""
    resource = {"id": f"shop.order.{order}", "name": order}
    received: Event = emit_event("shop.order.received", resource, payload={"cents": cents})
    if cents <= 10_000:
        return False
    emit_event("shop.order.large", resource, payload={"cents": cents}, follows=received)
    return True


@flow
def tell_events() -> list[str]:
    """Check all orders, and return those that are large."""
    large = check.map(list(ORDERS), list(ORDERS.values())).result()
    return [order for order, is_large in zip(ORDERS, large, strict=True) if is_large]


if __name__ == "__main__":
    tell_events()
