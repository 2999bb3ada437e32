"""Errors of padding, resizing and cutting tensors into parts."""

from __future__ import annotations

from grader.errors.explanation import Explanation

RESIZING = (
    Explanation(
        "pad_mode",
        ("NotImplementedError", "RuntimeError"),
        r"^Unrecognised padding mode|^Padding mode \x22\w+\x22 doesn't take in value",
        'F.pad knows the modes "constant", "reflect", "replicate" and "circular", and takes '
        "a value in the first alone.",
        "For zeros leave mode out: F.pad(x, (1, 1, 1, 1)). For another number pass value=1.0 "
        "and no mode.",
    ),
    Explanation(
        "resize_options",
        ("ValueError",),
        r"^only one of size or scale_factor should be defined|^align_corners option can only "
        r"be set|^Anti-alias option is restricted",
        "The options of interpolate do not go together: it takes a size or a factor, and "
        "align_corners and antialias belong to modes that compute between pixels.",
        "Pass one of size=(H, W) and scale_factor=2. Leave align_corners out with "
        'mode="nearest"; antialias goes with mode="bilinear" and "bicubic" of images (N, C, H, W).',
    ),
    Explanation(
        "resize_input",
        ("NotImplementedError",),
        r"^Input Error: Only 3D, 4D and 5D input Tensors supported",
        "interpolate does not know this mode, or not for this number of dimensions: "
        '"linear" takes (N, C, L), "bilinear" and "bicubic" (N, C, H, W), "trilinear" (N, C, '
        'D, H, W), and "nearest" each of them.',
        "A matrix becomes a batch of one image with one channel by x[None, None]. For images "
        'say mode="bilinear" or "bicubic".',
    ),
    Explanation(
        "resize_zero",
        ("RuntimeError",),
        r"^Input and output sizes should be greater than 0",
        "A picture would have no row or no column: the size that is asked for is 0, the "
        "factor is too small, or the picture is empty already.",
        "Print x.shape and the size. Keep it at 1 or more: size=(max(1, h), max(1, w)).",
    ),
    Explanation(
        "resize_kind",
        ("TypeError",),
        r"^expected size to be one of int or Tuple|^upsample_\w+\(\) received an invalid "
        r"combination",
        "A size counts pixels, so it is a whole number, and this one is a float.",
        "Write int(n), or // in the place of /: size=(h // 2, w // 2). A factor may be a "
        "float: scale_factor=0.5.",
    ),
    Explanation(
        "grid_shape",
        ("RuntimeError", "ValueError", "NotImplementedError"),
        r"^grid_sampler\(\): expected grid|^Expected a batch of \dD affine matrices|"
        r"^affine_grid only supports|^Expected theta to have floating",
        "affine_grid wants one 2 x 3 matrix of floats for each image and the size (N, C, H, "
        "W); grid_sample wants a grid (N, height, width, 2) with as many entries as the "
        "images.",
        "One matrix for all images: theta.expand(len(x), 2, 3). Six numbers a row from a "
        "layer: theta.view(-1, 2, 3). Then F.grid_sample(x, F.affine_grid(theta, x.shape)). "
        "A grid for all: grid.expand(len(x), -1, -1, -1).",
    ),
    Explanation(
        "grid_words",
        ("ValueError",),
        r"^nn\.functional\.grid_sample\(\): expected (padding_)?mode to be",
        'grid_sample has its own words: mode is "bilinear", "nearest" or "bicubic", '
        'padding_mode is "zeros", "border" or "reflection".',
        'Write mode="bilinear", padding_mode="reflection".',
    ),
    Explanation(
        "folded_blocks",
        ("RuntimeError",),
        r"^Given output_size=.*expected size of input's dimension|^Expected size of input's "
        r"dimension \d to be divisible by the product|^Given input with spatial size .*array "
        r"of sliding blocks",
        "fold puts back what unfold cut out: (N, C * window, blocks), where the numbers of "
        "both follow from output_size, kernel_size, stride and padding. These do not fit "
        "together, or the window is larger than the picture.",
        "Give fold the same kernel_size, stride and padding as unfold, and the size of the "
        "picture: F.fold(F.unfold(x, 3, padding=1), x.shape[2:], 3, padding=1).",
    ),
    Explanation(
        "empty_parts",
        ("RuntimeError",),
        r"^split expects split_size be non-negative|^split_size can only be 0|^chunk expects "
        r".chunks. to be greater than 0|^number of sections must be larger than 0",
        "A tensor is cut into parts of size 0, or into no parts: often n // parts of a "
        "tensor that is shorter than parts.",
        "Print the number. Keep it at 1 or more: x.split(max(1, n // parts)). x.chunk(parts) "
        "takes the number of parts.",
    ),
)
