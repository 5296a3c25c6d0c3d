"""TensorFlow by hand: variables, tf.nn and GradientTape, fused optimizers, one call for all steps of an epoch."""

import timing

timing.one_core()  # before TensorFlow counts the cores

import os  # noqa: E402
from typing import Any  # noqa: E402

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # the quicker of its two sets of kernels, as calotype has it

import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


class Training:
    """A net with its data, and the function of an epoch."""

    def __init__(self, net: timing.Net, *, xla: bool) -> None:
        self.net = net
        images, labels = net.data()
        self.images = tf.constant(images)
        self.targets = tf.constant(labels) if net.classes else tf.constant((labels / 5).astype("float32")[:, None])
        self.weights = [tf.Variable(weight) for weight in net.weights()]
        slots = 2 if net.optimizer == "adam" else 1
        self.slots = [[tf.Variable(tf.zeros_like(weight)) for _ in range(slots)] for weight in self.weights]
        self.powers = [tf.Variable(1.0), tf.Variable(1.0)]  # of Adam's two decays
        self.train = tf.function(self._epoch, jit_compile=xla)

    def _forward(self, x: Any) -> tuple[Any, Any]:
        """Logits, and the penalty."""
        net, weights, penalty = self.net, iter(self.weights), tf.constant(0.0)
        for _ in net.filters:
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, next(weights), 1, "SAME"), next(weights)))
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        if net.dropout:
            x = tf.nn.dropout(x, net.dropout)
        x = tf.reshape(x, [net.batch, -1])
        for i in range(len(net.units) + 1):
            kernel, bias = next(weights), next(weights)
            x = tf.nn.bias_add(tf.matmul(x, kernel), bias)
            last = i == len(net.units)
            if not last:
                x = tf.sigmoid(x) if net.sigmoid else tf.nn.relu(x)
                if net.dropout:
                    x = tf.nn.dropout(x, net.dropout)
            if net.l2:
                outputs = tf.nn.softmax(x) if last else x
                squares = [2 * tf.nn.l2_loss(part) for part in (kernel, bias)]
                penalty += net.l2 * (tf.add_n(squares) + 2 * tf.nn.l2_loss(outputs) / net.batch)
        return x, penalty

    def _update(self, gradients: list[Any]) -> None:
        if self.net.optimizer == "sgd":
            for weight, (velocity,), gradient in zip(self.weights, self.slots, gradients, strict=True):
                tf.raw_ops.ResourceApplyKerasMomentum(
                    var=weight.handle, accum=velocity.handle, lr=0.1, grad=gradient, momentum=0.9
                )
            return
        for power, decay in zip(self.powers, (0.9, 0.999), strict=True):
            power.assign(power * decay)
        for weight, (mean, square), gradient in zip(self.weights, self.slots, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle, m=mean.handle, v=square.handle, lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-7,
                beta1_power=self.powers[0], beta2_power=self.powers[1], grad=gradient,
            )  # fmt: skip

    def _epoch(self, order: Any) -> tuple[Any, Any]:
        """All steps; gives the means of loss and accuracy."""
        net = self.net
        total, right = tf.constant(0.0), tf.constant(0)
        for step in tf.range(net.steps):
            chosen = tf.slice(order, [step * net.batch], [net.batch])
            images, targets = tf.gather(self.images, chosen), tf.gather(self.targets, chosen)
            with tf.GradientTape() as tape:
                found, penalty = self._forward(images)
                if net.classes:
                    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, found)
                else:
                    losses = tf.square(found - targets)
                loss = tf.reduce_mean(losses) + penalty
            self._update(tape.gradient(loss, self.weights))
            total += loss
            if net.classes:
                right += tf.math.count_nonzero(tf.argmax(found, 1) == targets, dtype=tf.int32)
        return total / net.steps, right / net.images


def loop(net: timing.Net, clock: timing.Clock, *, xla: bool = False) -> None:
    """Epoch after epoch."""
    training, epoch = Training(net, xla=xla), 1
    while True:
        loss, _ = training.train(tf.constant(timing.order(net, epoch), tf.int32))
        assert loss.numpy() < 100, "the training has diverged"
        if not clock.lap():
            return
        epoch += 1


def loop_xla(net: timing.Net, clock: timing.Clock) -> None:
    """Run `loop`, compiled by XLA."""
    loop(net, clock, xla=True)


timing.main({"loop": loop, "xla": loop_xla}, f"tensorflow {tf.__version__}")
