"""Errors of linear algebra, and of memory."""

from __future__ import annotations

from grader.errors.explanation import Explanation

LINEAR = (
    Explanation(
        "singular",
        ("_LinAlgError",),
        r"singular(?! values)|is not invertible",
        "The matrix has no inverse: its rows depend on each other, or one of them is 0.",
        "Add a small multiple of the identity, A + 1e-6 * torch.eye(n); or use "
        "torch.linalg.lstsq or pinv.",
    ),
    Explanation(
        "not_definite",
        ("_LinAlgError",),
        r"not positive-definite|^The factorization could not be completed",
        "cholesky takes a symmetric matrix whose eigenvalues are above 0, as a covariance has, "
        "and this is none, or rounding has made it none.",
        "Add a small multiple of the identity, A + 1e-6 * torch.eye(n). A covariance is best "
        "learned as its root: MultivariateNormal(mean, scale_tril=L).",
    ),
    Explanation(
        "no_convergence",
        ("_LinAlgError", "RuntimeError"),
        r"failed to converge|^torch\.linalg\.eig: input tensor should not contain infs or NaNs",
        "The decomposition came to no end: most often there is nan or inf in the matrix. The text "
        "may speak of values that repeat then, too.",
        "Look for torch.isfinite(A).all() first, and for where that nan or inf was born.",
    ),
    Explanation(
        "square",
        ("RuntimeError",),
        r"must be batches of square matrices|^linalg\.\w+: The input tensor \w+ must have at "
        r"least 2 dimensions|^trace: expected a matrix",
        "This function takes a matrix, (..., m, n), or, as the text says, a square one, "
        "(..., n, n), and was given another shape.",
        "Print the shape. Of a matrix that is not square torch.linalg.svd, pinv and lstsq work.",
    ),
    Explanation(
        "low_precision",
        ("RuntimeError",),
        r"Low precision dtypes not supported",
        "The decompositions of torch.linalg are not written for 16 bits.",
        "Convert: torch.linalg.inv(A.float()), inside of autocast with its own block switched off.",
    ),
    Explanation(
        "memory_cpu",
        ("RuntimeError",),
        r"DefaultCPUAllocator: (can't allocate|not enough) memory",
        "A tensor of this size does not fit into memory. Often two shapes broadcast to a large "
        "one: (n, 1) and (n,) give n times n.",
        "Print the shapes in this line. In evaluation compute under torch.no_grad(), and keep "
        "loss.item() rather than the loss.",
    ),
    Explanation(
        "memory_gpu",
        (
            "OutOfMemoryError",
            "RuntimeError",
        ),
        r"^CUDA out of memory",
        "The GPU's memory is full: of weights, an optimizer's averages, and above all of what "
        "forward saved for backward.",
        "Make batches smaller; evaluate under torch.no_grad(); keep loss.item() in lists and "
        "sums, since each loss keeps its graph. Then checkpoint, or compute in 16 bits.",
    ),
)
