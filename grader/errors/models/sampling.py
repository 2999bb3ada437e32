"""Errors of distributions, and of drawing by probabilities."""

from __future__ import annotations

from grader.errors.explanation import Explanation

SAMPLING = (
    Explanation(
        "bad_parameter",
        ("ValueError",),
        r"^Expected parameter \w+ \(.*found invalid values:(?!.*nan)",
        "A distribution was given a parameter out of its range, and the text says which: a spread "
        "that is 0 or negative, for one, probabilities that are negative or above 1, a "
        "covariance that is not symmetric and positive definite, or a low of Uniform that is not "
        "below its high. What a layer gives has no bounds "
        "of its own.",
        "Make the bound part of the computation: F.softplus(s) + 1e-4 or s.exp() for what is above "
        "0; MultivariateNormal(mean, scale_tril=L) for a covariance; "
        "Categorical(logits=scores) and Bernoulli(logits=scores) for scores, and not "
        "Categorical(scores), whose first argument is probabilities.",
    ),
    Explanation(
        "nan_parameter",
        ("ValueError",),
        r"^Expected parameter \w+ \(.*found invalid values:.*nan",
        "A parameter of a distribution is nan, and the distribution is the first that looks: the "
        "nan was born before, or where it divides a row of probabilities by a sum that is 0.",
        "Look at what made it. If the weights of the model are nan already, find the step and "
        "the node: torch.autograd.set_detect_anomaly(True). A row of probabilities that are all "
        "0 or of scores all -inf, and a learning rate that is too large, are usual causes.",
    ),
    Explanation(
        "outside_support",
        ("ValueError",),
        r"^Expected value argument \(.* to be within the support",
        "log_prob was asked about a value that this distribution never gives: a class number "
        "beyond its classes, a number outside of [0, 1], a fraction among 0 and 1, or nan.",
        "Print the smallest and the largest value. If a sample was scaled or shifted after it "
        "was drawn, keep what was drawn and ask about that, or scale back: clamp would change the "
        "values. Only where rounding, clipping or tanh put it at the very border is it moved "
        "inside, x.clamp(1e-6, 1 - 1e-6). Class numbers begin at 0.",
    ),
    Explanation(
        "value_kind",
        ("ValueError",),
        r"^The value argument to log_prob must be a Tensor",
        "log_prob takes a tensor, and was given a number.",
        "Write log_prob(torch.tensor(0.5)).",
    ),
    Explanation(
        "one_of_two",
        ("ValueError",),
        r"^Either `(probs|total_count|logits)` or `logits` must be specified, but not both|"
        r"^Exactly one of covariance_matrix or precision_matrix or scale_tril",
        "This distribution wants exactly one of its forms: probs or logits, or one of the three "
        "matrices.",
        "Pass one by name: Categorical(logits=scores), MultivariateNormal(mean, scale_tril=L).",
    ),
    Explanation(
        "no_vector",
        ("ValueError",),
        r"^`(probs|logits)` parameter must be at least one-dimensional",
        "A Categorical chooses among several, and was given one number.",
        "Give one probability or score for each class, along the last dimension.",
    ),
    Explanation(
        "no_rsample",
        ("NotImplementedError",),
        r"",
        "This distribution has no rsample. Most that have none choose among separate values, as a "
        "mixture chooses among its parts, and such a choice has no derivative.",
        "Weigh the loss with the probability of what was drawn: -(dist.log_prob(a) * "
        "reward).mean(), with a = dist.sample(). Or, of a Categorical, use a relaxed one: "
        "F.gumbel_softmax(logits, hard=True).",
        where=r"torch/distributions/\w+\.py:rsample$",
    ),
    Explanation(
        "no_closed_form",
        ("NotImplementedError",),
        r"",
        "For this distribution torch has no formula of what you ask.",
        "Estimate it from samples: the entropy is -dist.log_prob(x).mean() for x = "
        "dist.sample((n,)). Where a gradient is to flow take rsample; if the distribution has "
        "none, let p = dist.log_prob(x) and train by -(p.detach() * p).mean(): the gradient of "
        "the plain mean is noise then.",
        where=r"torch/distributions/(distribution\.py:(entropy|mean|variance|cdf|icdf|mode|"
        r"enumerate_support)|exp_family\.py:_mean_carrier_measure)$",
    ),
    Explanation(
        "no_divergence",
        ("NotImplementedError",),
        r"^No KL\(p \|\| q\) is implemented",
        "For this pair of distributions torch has no formula of the divergence.",
        "Estimate it: with x = p.sample((n,)), (p.log_prob(x) - q.log_prob(x)).mean(). Where a "
        "gradient is to reach p, take rsample. If p has none, the gradient of that mean by p is "
        "noise: with d for the difference, train p by (d.detach() * p.log_prob(x)).mean().",
    ),
    Explanation(
        "drawn_from",
        ("RuntimeError",),
        r"^probability tensor contains either `inf`, `nan` or element < 0|^invalid multinomial "
        r"distribution|^Expected p_in >= 0 && p_in <= 1",
        "multinomial and bernoulli draw by probabilities, and were given nan, inf, numbers out "
        "of range, or a row of zeros.",
        "Give them F.softmax(scores, dim=-1) or torch.sigmoid(scores), not the scores. If these "
        "are nan, find where: scores divided by a temperature of 0, a row masked with -inf "
        "altogether, or weights that are nan.",
    ),
    Explanation(
        "drawn_more",
        ("RuntimeError",),
        r"^cannot sample n_sample > prob_dist\.size",
        "Without replacement each is drawn once, and you ask for more than there are.",
        "Pass replacement=True, or draw fewer.",
    ),
    Explanation(
        "drawn_dtype",
        ("RuntimeError",),
        r"^multinomial only supports floating-point dtypes",
        "multinomial takes weights that are floating numbers.",
        "Convert them: weights.float().",
    ),
    Explanation(
        "negative_spread",
        ("RuntimeError",),
        r"^normal expects (all elements of )?std >= 0",
        "A standard deviation is below 0. A layer's output has no bounds.",
        "Use F.softplus(s) or (0.5 * log_variance).exp().",
    ),
    Explanation(
        "drawn_dims",
        ("RuntimeError",),
        r"^prob_dist must be 1 or 2 dim|^cannot sample n_sample <= 0",
        "multinomial draws from a row of probabilities or from each row of a matrix, at "
        "least one number.",
        "Make a matrix of what has more dimensions, and shape the result back: "
        "torch.multinomial(p.flatten(0, -2), 1).view(p.shape[:-1]). Draw one or more.",
    ),
    Explanation(
        "value_shape",
        ("ValueError",),
        r"^The right-most size of value must match event_shape|^Value is not broadcastable "
        r"with batch_shape\+event_shape",
        "log_prob was given a value that does not have the shape of this distribution: its "
        "last dimensions are event_shape, and those before broadcast with batch_shape.",
        "Print dist.batch_shape, dist.event_shape and value.shape. A column (n, 1) beside n "
        "distributions: value.squeeze(1). One-hot distributions take rows: F.one_hot(a, "
        "classes).float().",
    ),
    Explanation(
        "event_dims",
        ("ValueError",),
        r"^Expected reinterpreted_batch_ndims <= len\(base_distribution\.batch_shape\)|"
        r"^(?!`(probs|logits)).*must be at least (one|two)-dimensional(, with optional "
        r"leading|\.$)",
        "The parameters have too few dimensions: a multivariate normal wants a vector for "
        "its mean and a matrix for its covariance, a Dirichlet a vector, and Independent as "
        "many dimensions as it is to join.",
        "Of variances make a matrix, torch.diag_embed(variance), or join one-dimensional "
        "normals: Independent(Normal(mean, std), 1) with mean of shape (batch, d). A single "
        "number becomes a vector by x.reshape(1).",
    ),
    Explanation(
        "mixture_parts",
        ("ValueError",),
        r"^\s*The (Mixture|Component) distribution needs to be|^`mixture_distribution( "
        r"component`|\.batch_shape`).*(does not equal|is not compatible)",
        "A mixture of K parts takes a Categorical of K classes and a distribution whose last "
        "batch dimension is K.",
        "Shape both so: MixtureSameFamily(Categorical(logits=scores), Normal(mean, std)) "
        "with scores, mean and std of (batch, K).",
    ),
    Explanation(
        "sample_shape",
        ("TypeError",),
        r"^'(int|float)' object is not iterable|^torch\.Size\(\) takes an iterable of 'int'",
        "sample, rsample and expand of a distribution take a shape, a tuple of whole numbers.",
        "Write dist.sample((3,)), with the comma, or torch.Size([3]).",
        where=r"torch/distributions/\w+\.py:\w+$",
    ),
    Explanation(
        "parameter_kind",
        ("ValueError",),
        r"^Input arguments must all be instances of Number, torch\.Tensor",
        "A distribution's parameters are tensors or numbers, and one is a list, a text or a "
        "NumPy array.",
        "Convert it: Normal(torch.tensor(means), torch.tensor(spreads)), torch.from_numpy(array).",
    ),
    Explanation(
        "distribution_names",
        ("TypeError", "AttributeError"),
        r"^(Normal|LogNormal|Laplace|Cauchy|Gumbel|StudentT|Beta|Gamma|Uniform|Dirichlet|"
        r"MultivariateNormal|Independent)\.__init__\(\) (missing|got an unexpected)|^'(Normal|"
        r"LogNormal|Laplace|MultivariateNormal|Independent)' object has no attribute '(mu|"
        r"sigma|std|var)'",
        "A distribution has its own names for its parameters, and takes all of them: of a "
        "Normal loc and scale. It tells mean, stddev and variance.",
        "Write Normal(mean, std), or Normal(loc=mean, scale=std), and read dist.mean, "
        "dist.stddev. For others look at help(Beta).",
    ),
    Explanation(
        "transform_parts",
        ("ValueError",),
        r"^transforms must be a Transform",
        "A TransformedDistribution takes transforms of torch.distributions that were made, "
        "and no functions or classes.",
        "Write TransformedDistribution(base, [TanhTransform()]), with the parentheses.",
    ),
)
