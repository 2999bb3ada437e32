"""Errors of layers' settings and inputs: convolutions, pooling, tables, channels."""

from __future__ import annotations

from grader.errors.explanation import Explanation

LAYERS = (
    Explanation(
        "conv_groups",
        ("ValueError",),
        r"^groups must be a positive integer",
        "groups says into how many parts a convolution deals out its channels; an ordinary "
        "one has 1.",
        "Leave groups out, or pass groups=1. A depthwise convolution has groups=in_channels.",
    ),
    Explanation(
        "padding_word",
        ("ValueError", "RuntimeError"),
        r"^Invalid padding string|^padding_mode must be one of|^Only .zeros. padding mode is "
        r"supported for",
        'padding says how much is put around, as numbers, "same" or "valid"; padding_mode '
        'says with what it is filled: "zeros", "reflect", "replicate" or "circular". A '
        'transposed convolution knows "zeros" alone.',
        'For the same size as the input write padding="same". For another border write '
        'padding=1, padding_mode="reflect". Leave padding_mode out of a transposed '
        "convolution.",
    ),
    Explanation(
        "window_numbers",
        ("RuntimeError",),
        r"^non-positive (stride|dilation) is not supported|^negative padding is not supported|"
        r"^stride should not be zero",
        "A stride or a dilation is at least 1, and a padding at least 0. A pool's stride is "
        "its kernel_size unless you say otherwise, so a kernel_size of 0 says the same.",
        "Print the numbers that the layer is made with. A quotient n // 2 of a small n is 0: "
        "max(1, n // 2). What negative padding would cut, cut from the input: x[..., 1:-1, "
        "1:-1].",
    ),
    Explanation(
        "window_dims",
        ("RuntimeError",),
        r"^expected (stride|padding|dilation|output_padding) to be a single integer value or "
        r"a list|^(max|avg)_pool\dd: \w+ must (either )?be|^adaptive_\w+_pool\dd: output_size "
        r"must be \d|^It is expected \w+ equals to \d",
        "A window has one number for each dimension behind the channels, two for images, and "
        "a tuple here has another length. Or, in F.conv2d, the weight has another number of "
        "dimensions.",
        "Pass one number, kernel_size=3, or one for each dimension, kernel_size=(3, 3), and "
        "so for stride, padding and dilation. The 1d, 2d or 3d of a name says how many. A "
        "weight of F.conv2d is (out, in, height, width).",
    ),
    Explanation(
        "pool_input",
        ("RuntimeError",),
        r"^non-empty 3D or 4D \(batch mode\) tensor expected|^max_pool1d: Expected 2D or 3D|"
        r"^Expected \d to \d dimensions, but got \d-dimensional tensor for argument .*pool",
        "A pooling layer takes (batch, channels, ...), or one sample without the batch, and "
        "this input has more or fewer dimensions, or is empty: images without their "
        "channels, or vectors behind a flatten.",
        "Print the shape. Grey images (N, H, W) get their channel by x.unsqueeze(1). Pool "
        "before you flatten. The 1d, 2d or 3d of the name says how many dimensions follow "
        "the channels.",
    ),
    Explanation(
        "transposed_size",
        ("ValueError",),
        r"^requested an output size of .*valid sizes range|^ConvTranspose\dD: for \dD input, "
        r"output_size must have|^invalid output_size \x22",
        "This layer cannot give the output_size that is asked of it. With a stride of s "
        "there are s sizes to choose from; the text names the smallest and the largest.",
        "Pass height and width alone, within those limits: up(x, "
        "output_size=skip.shape[2:]). If the size lies outside, resize behind the layer: "
        "F.interpolate(up(x), size=skip.shape[2:]).",
    ),
    Explanation(
        "unpool_indices",
        ("RuntimeError",),
        r"^Found an invalid max index|^elements in indices should be type int64|^Expected "
        r"shape of indices to be same as that of the input",
        "MaxUnpool puts each value back to where a pooling took it, and these indices are "
        "not those of that pooling, or of a larger picture.",
        "Take both from one layer and say the size: pooled, indices = nn.MaxPool2d(2, "
        "return_indices=True)(x), then nn.MaxUnpool2d(2)(pooled, indices, "
        "output_size=x.shape[2:]).",
    ),
    Explanation(
        "embedding_matrix",
        ("AssertionError", "RuntimeError"),
        r"^Shape of weight does not match num_embeddings|^Embeddings parameter is expected to "
        r"be 2-dimensional|^'weight' must be 2-D",
        "The table of an Embedding is a matrix with one row for each word. This one has "
        "another shape, or stands where the numbers belong.",
        "nn.Embedding.from_pretrained(matrix) takes its sizes from the matrix. The function "
        "takes the numbers first: F.embedding(numbers, matrix).",
    ),
    Explanation(
        "norm_epsilon",
        ("ValueError",),
        r"^batch_norm eps must be",
        "eps is added to the variance so that nothing is divided by 0, and it is 0 or "
        "negative here.",
        "Leave it out, or pass a small number: eps=1e-5. The second argument in a row is "
        "eps, so name what you pass: nn.BatchNorm2d(8, momentum=0.1).",
    ),
    Explanation(
        "channel_dims",
        ("RuntimeError", "ValueError"),
        r"^Expected at least 2 dimensions for input tensor but received|^Expected 3D or "
        r"higher dimensionality\s+input|^Feature dropout requires at least 2|^dropout1d: "
        r"Expected 2D or 3D|^Softmax2d: expected input to be",
        "This layer works on whole channels, and the input does not have the dimensions for them.",
        "Print the shape. A single sample becomes a batch by x.unsqueeze(0). For vectors (N, "
        "D) take nn.LayerNorm(D), nn.Dropout() and nn.Softmax(dim=1); for images the layer "
        "with 2d in its name.",
    ),
    Explanation(
        "prelu_channels",
        ("RuntimeError",),
        r"^Mismatch of parameter numbers and input channel size",
        "This PReLU was made with one slope for each channel, and its input has another "
        "number of channels in dimension 1.",
        "nn.PReLU() has one slope for everything; nn.PReLU(channels) wants the size of "
        "dimension 1.",
    ),
    Explanation(
        "glu_half",
        ("RuntimeError",),
        r"^Halving dimension must be even|^glu does not support scalars",
        "GLU takes one half of a dimension for values and the other for gates, so that its "
        "size must be even.",
        "Let the layer before it give twice what you want: nn.Linear(d, 2 * h), then "
        "nn.GLU(dim=-1).",
    ),
    Explanation(
        "shuffled_channels",
        ("RuntimeError",),
        r"^pixel_(un)?shuffle expects|^Number of channels must be divisible by groups",
        "PixelShuffle(r) turns r * r channels into one that is r times as high and wide; "
        "PixelUnshuffle goes back. The sizes do not divide evenly, or a dimension is missing.",
        "Give PixelShuffle(r) as many as c * r**2 channels: nn.Conv2d(d, c * r**2, 3, "
        "padding=1), nn.PixelShuffle(r). For PixelUnshuffle(r) cut height and width to "
        "multiples of r: x[..., : h // r * r, : w // r * r].",
    ),
    Explanation(
        "unflattened",
        ("RuntimeError", "TypeError"),
        r"^unflatten: Provided sizes|^unflatten: sizes must be non-empty|^unflattened_size "
        r"must be",
        "unflatten cuts one dimension into several, whose sizes are whole numbers and "
        "multiply to its size.",
        "Say them as a tuple, with -1 for one that is to be computed: nn.Unflatten(1, "
        "(channels, -1)). Print the shape; of a feature vector channels * height * width is "
        "the number of features.",
    ),
)
