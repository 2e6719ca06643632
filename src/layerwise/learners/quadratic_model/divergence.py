"""The warning of a training that diverged or never improved on the mean of y."""

from __future__ import annotations

from layerwise.learners.quadratic_model.signed_sgd import Training

#: If the constant is kept, warn of training losses above this multiple of its loss.
MAX_LOSS_RATIO = 2.0
OUTLIER_ADVICE = "Look for values of X far from the others: normal quantiles (QuantileTransformer) limit their effect"


def divergence_message(training: Training, step_size: float, noise: float) -> str | None:
    """Describe a divergence, or an initial noise too large to recover from; None if neither happened."""
    advice = f"Lower step_size, e.g. to {step_size / 10:.2g}."
    noisy_start = not training.start_loss < training.zero_loss + 1  # labels have variance 1
    if noisy_start:
        advice = (
            f"noise={noise} starts at {training.start_loss:.2g} times the variance of y on the rows held out, where "
            f"its mean has {training.zero_loss:.2g}. "
        )
        advice += "Lower noise, e.g. to 0.01." if noise > 0.01 else f"{OUTLIER_ADVICE}."
    n_epochs = len(training.history)
    if training.diverged:
        problem = f"diverged in epoch {n_epochs + 1}, at step_size={step_size}"
    elif noisy_start and not training.epoch:
        problem = f"found nothing better than the mean of y in {n_epochs} epochs"
    elif training.loss_ratio > MAX_LOSS_RATIO and not training.epoch:
        problem = f"rose to {training.loss_ratio:.2g} times the loss of the mean of y, at step_size={step_size}"
        advice += f" Or {OUTLIER_ADVICE[0].lower()}{OUTLIER_ADVICE[1:]}."
    else:
        return None
    kept = f"the iterate of epoch {training.epoch} is kept" if training.epoch else "the mean of y is predicted"
    return f"gradient descent {problem}; {kept}. {advice}"
