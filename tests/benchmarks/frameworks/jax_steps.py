"""JAX by hand: jax.numpy and lax, a scan over all steps of an epoch, Adam and momentum written out."""

import os

import timing

timing.one_core()
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from functools import partial  # noqa: E402
from typing import Any  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402

jax.config.update("jax_default_prng_impl", "rbg")  # the quicker of its generators, for dropout


def dropout(x: Any, rate: float, key: Any) -> Any:
    """Drop entries."""
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


def forward(net: timing.Net, weights: list[Any], x: Any, key: Any) -> tuple[Any, Any]:
    """Logits, and the penalty."""
    layers, penalty = iter(zip(weights[::2], weights[1::2], strict=True)), 0.0
    keys = jax.random.split(key) if net.dropout else (None, None)
    for _ in net.filters:
        kernel, bias = next(layers)
        x = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    if net.dropout:
        x = dropout(x, net.dropout, keys[0])
    x = x.reshape(net.batch, -1)
    for i in range(len(net.units) + 1):
        kernel, bias = next(layers)
        x = x @ kernel + bias
        last = i == len(net.units)
        if not last:
            x = jax.nn.sigmoid(x) if net.sigmoid else jax.nn.relu(x)
            if net.dropout:
                x = dropout(x, net.dropout, keys[1])
        if net.l2:
            outputs = jax.nn.softmax(x) if last else x
            penalty += net.l2 * ((kernel**2).sum() + (bias**2).sum() + (outputs**2).sum() / net.batch)
    return x, penalty


def loss_of(net: timing.Net, weights: list[Any], images: Any, targets: Any, key: Any) -> tuple[Any, Any]:
    """Return the loss and the number of correct images."""
    found, penalty = forward(net, weights, images, key)
    if not net.classes:
        return jnp.mean((found[:, 0] - targets) ** 2), 0
    entropy = -jnp.take_along_axis(jax.nn.log_softmax(found), targets[:, None], axis=1).mean()
    return entropy + penalty, (found.argmax(1) == targets).sum()


def updated(net: timing.Net, weights: list[Any], slots: Any, gradients: list[Any], step: Any) -> tuple[Any, Any]:
    """One step of Adam, or of gradient descent with momentum."""
    if net.optimizer == "sgd":
        slots = [0.9 * velocity - 0.1 * gradient for velocity, gradient in zip(slots, gradients, strict=True)]
        return [weight + velocity for weight, velocity in zip(weights, slots, strict=True)], slots
    rate = 0.001 * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    means, squares = slots
    means = [0.9 * mean + 0.1 * gradient for mean, gradient in zip(means, gradients, strict=True)]
    squares = [0.999 * square + 0.001 * gradient**2 for square, gradient in zip(squares, gradients, strict=True)]
    weights = [
        weight - rate * mean / (jnp.sqrt(square) + 1e-7)
        for weight, mean, square in zip(weights, means, squares, strict=True)
    ]
    return weights, (means, squares)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def epoch_of(net: timing.Net, state: Any, images: Any, targets: Any, order: Any) -> tuple[Any, Any]:
    """All steps of an epoch; gives the new state, and the means of loss and accuracy."""

    def step(state: Any, chosen: Any) -> tuple[Any, Any]:
        weights, slots, count, key = state
        count, (key, now) = count + 1, jax.random.split(key)
        compute = jax.value_and_grad(partial(loss_of, net), has_aux=True)
        (loss, right), gradients = compute(weights, images[chosen], targets[chosen], now)
        weights, slots = updated(net, weights, slots, gradients, count)
        return (weights, slots, count, key), (loss, right)

    state, (losses, rights) = lax.scan(step, state, order.reshape(net.steps, net.batch))
    return state, (losses.mean(), rights.sum() / net.images)


def scan(net: timing.Net, clock: timing.Clock) -> None:
    """Epoch after epoch."""
    images, labels = net.data()
    data = jnp.array(images), jnp.array(labels.astype(np.int32) if net.classes else (labels / 5).astype(np.float32))
    weights = [jnp.array(weight) for weight in net.weights()]
    zeros = [[jnp.zeros_like(weight) for weight in weights] for _ in range(2)]
    slots = (zeros[0], zeros[1]) if net.optimizer == "adam" else zeros[0]
    state: Any = (weights, slots, jnp.zeros((), jnp.float32), jax.random.key(0))
    epoch = 1
    while True:
        state, (loss, _) = epoch_of(net, state, *data, jnp.array(timing.order(net, epoch), jnp.int32))
        assert float(loss) < 100, "the training has diverged"
        if not clock.lap():
            return
        epoch += 1


timing.main({"scan": scan}, f"jax {jax.__version__}")
