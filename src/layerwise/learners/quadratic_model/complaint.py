"""What a training that went wrong says of its cause and cure."""

from __future__ import annotations

from layerwise.learners.quadratic_model.signed_sgd import Training

#: A training loss so many times that of the mean of y, where the mean is what is kept, is told.
RISEN = 2.0
OUTLIERS = "Look for values of X far from the others: normal quantiles (QuantileTransformer) tame them"


def complaint(training: Training, step_size: float, noise: float) -> str | None:
    """Of divergence, or of a start in the noise that never came down to the constant; None where neither happened."""
    cure = f"Lower step_size, e.g. to {step_size / 10:.2g}."
    loud = not training.start_loss < training.zero_loss + 1  # labels have variance 1
    if loud:
        cure = (
            f"noise={noise} starts at {training.start_loss:.2g} times the variance of y on the rows held out, where "
            f"its mean has {training.zero_loss:.2g}. "
        )
        cure += "Lower noise, e.g. to 0.01." if noise > 0.01 else f"{OUTLIERS}."
    n_epochs = len(training.history)
    if training.diverged:
        what = f"diverged in epoch {n_epochs + 1}, at step_size={step_size}"
    elif loud and not training.epoch:
        what = f"found nothing better than the mean of y in {n_epochs} epochs"
    elif training.risen > RISEN and not training.epoch:
        what = f"rose to {training.risen:.2g} times the loss of the mean of y, at step_size={step_size}"
        cure += f" Or {OUTLIERS[0].lower()}{OUTLIERS[1:]}."
    else:
        return None
    kept = f"the iterate of epoch {training.epoch} is kept" if training.epoch else "the mean of y is predicted"
    return f"gradient descent {what}; {kept}. {cure}"
