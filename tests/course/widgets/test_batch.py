"""Chapter 11's picture shows what real loaders read, and leaves them as they were."""

from collections import Counter
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, DistributedSampler, IterableDataset, TensorDataset

from course.widgets import explore_batches
from course.widgets.batch.picture import BatchPicture
from course.widgets.batch.reader import record
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width

SVG = "{http://www.w3.org/2000/svg}"


def samples(n=11):
    return TensorDataset(torch.arange(n).float().reshape(n, 1).expand(n, 4), torch.arange(n))


def shuffled(n=11, size=3, seed=0, **settings):
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(samples(n), size, shuffle=True, generator=generator, **settings)


def ranks(world=2, n=11, size=3):
    data = samples(n)
    return [
        DataLoader(data, size, sampler=DistributedSampler(data, world, r)) for r in range(world)
    ]


# What it shows is what the loader reads.


@given(
    n=st.integers(1, 20),
    size=st.integers(1, 7),
    drop_last=st.booleans(),
    shuffle=st.booleans(),
    seed=st.integers(0, 9),
)
@settings(max_examples=30, deadline=None)
def test_the_batches_are_those_of_the_loader(n, size, drop_last, shuffle, seed):
    def loader():
        generator = torch.Generator().manual_seed(seed)
        return DataLoader(
            samples(n), size, shuffle=shuffle, drop_last=drop_last, generator=generator
        )

    twin = loader()
    real = [[y.tolist() for _, y in twin] for _ in range(2)]
    plan = record([loader()])
    shown = [[list(batch.numbers) for batch in one.batches] for one in plan.readings]
    assert shown == real
    for one in plan.readings:
        assert sorted(one.order) == list(range(n))
        numbers = [number for batch in one.batches for number in batch.numbers]
        assert list(one.order[: len(numbers)]) == numbers


def test_the_shapes_are_those_of_what_collate_made():
    (first, *_), *_ = (reading.batches for reading in record([shuffled()]).readings)
    assert first.shapes == ("(3, 4)", "(3,)")
    own = DataLoader(samples(), 4, collate_fn=lambda batch: {"x": batch})
    assert record([own]).readings[0].batches[-1].shapes == ("dict",)


def test_ranks_read_their_own_shares_and_epochs_differ():
    plan = record(ranks(3))
    assert [(one.epoch, one.rank) for one in plan.readings] == [
        (epoch, rank) for epoch in (1, 2) for rank in range(3)
    ]
    for epoch in (1, 2):
        shares = [one.order for one in plan.readings if one.epoch == epoch]
        for rank, share in enumerate(shares):
            sampler = DistributedSampler(range(11), 3, rank)
            sampler.set_epoch(epoch - 1)
            assert list(share) == list(sampler)
    assert plan.readings[0].order != plan.readings[3].order


# The steps, and what is said.


def test_the_steps_of_one_loader_are_told_in_words():
    picture = BatchPicture([record([DataLoader(samples(5), 2)])])
    assert picture.choices == ["in order, batches of 2"]
    assert picture.last_step(0) == 2 * (1 + 3)
    told = [picture.picture(0, step).sentence for step in range(9)]
    assert told[0] == (
        "Step 0 of 8: the dataset has 5 samples, with the numbers 0 to 4. Nothing has been read."
    )
    assert told[1] == (
        "Step 1 of 8: epoch 1 begins. SequentialSampler gives 5 numbers: 0, 1, 2, 3 and 4. No "
        "sample has been read yet."
    )
    assert told[4] == (
        "Step 4 of 8: epoch 1, batch 3 of 3: sample 4 is read, and collate makes shapes (1, 4) and "
        "(1,). Every sample was read once."
    )
    assert told[5].startswith("Step 5 of 8: epoch 2 begins.")


def test_an_epoch_that_the_picture_hands_to_the_sampler_is_told():
    picture = BatchPicture([record(ranks())])
    told = [picture.picture(0, step).sentence for step in range(picture.last_step(0) + 1)]
    begun = [sentence for sentence in told if "begins" in sentence]
    assert len(begun) == 4
    for n, sentence in enumerate(begun):
        assert f"rank {n % 2} begins with sampler.set_epoch({n // 2})." in sentence


def test_an_epoch_ends_with_what_was_left_out_or_read_twice():
    dropped = BatchPicture([record([shuffled(drop_last=True)])])
    plan = dropped.plans[0]
    left = sorted(plan.readings[0].order[9:])
    assert dropped.picture(0, 4).sentence.endswith(
        f"Left out in this epoch: {left[0]} and {left[1]}."
    )
    shared = BatchPicture([record(ranks())])
    read = Counter(n for one in shared.plans[0].readings[:2] for n in one.order)
    (twice,) = [n for n, count in read.items() if count == 2]
    assert shared.picture(0, 6).sentence.endswith(f"Read more than once: {twice}.")
    assert "more than once" not in shared.picture(0, 3).sentence  # rank 1 is still to come


def drawn(picture, choice, step):
    return ElementTree.fromstring(picture.picture(choice, step).live())


def test_the_present_batch_is_lit_in_the_dataset_and_in_its_epoch():
    picture = BatchPicture([record([shuffled()])])
    numbers = picture.plans[0].readings[0].batches[1].numbers
    lit = [text.text for text in drawn(picture, 0, 3).iter(f"{SVG}text") if is_strong(text)]
    assert sorted(lit) == sorted([*map(str, numbers)] * 2)


def is_strong(text):
    return "small strong" in (text.get("class") or "")


def test_every_text_has_room_and_stays_in_the_picture():
    loaders = [[shuffled(20, 1)], [shuffled(20, 7, drop_last=True)], ranks(3, 20, 2)]
    picture = BatchPicture([record(group) for group in loaders])
    for choice in range(3):
        for step in range(picture.last_step(choice) + 1):
            shown = picture.picture(choice, step)
            rows = {}
            for text in ElementTree.fromstring(shown.live()).iter(f"{SVG}text"):
                width, x = text_width(text.text, 12), float(text.get("x"))
                left = x if text.get("text-anchor") == "start" else x - width / 2
                assert left >= 0
                assert left + width <= shown.width
                rows.setdefault(text.get("y"), []).append((left, left + width))
            for places in rows.values():
                places.sort()
                for (_, end), (start, _) in pairwise(places):
                    assert end <= start + 1


# Looking changes nothing, and what cannot be shown is explained.


def test_looking_moves_no_generator_and_no_epoch():
    loader, shares = shuffled(), ranks()
    shares[1].sampler.set_epoch(7)
    before, own = torch.get_rng_state(), loader.generator.get_state()
    player = explore_batches(loader, DataLoader(samples(), 3, shuffle=True), shares)
    assert isinstance(player, Player)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(loader.generator.get_state(), own)
    assert [one.sampler.epoch for one in shares] == [0, 7]
    assert next(iter(loader))[1].tolist() == next(iter(shuffled()))[1].tolist()


def test_what_cannot_be_shown_is_explained():
    assert isinstance(explore_batches(), Notice)
    assert "21 samples" in explore_batches(DataLoader(samples(21), 3)).message
    assert "for 4" in explore_batches(ranks(4)).message

    class Stream(IterableDataset):
        def __len__(self):
            return 3

        def __iter__(self):
            return iter(range(3))

    with pytest.raises(TypeError, match="cut a sampler's numbers"):
        explore_batches(DataLoader(Stream(), 2))


def test_a_page_without_a_kernel_shows_the_first_batch(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    bundle = explore_batches(DataLoader(samples(), 3))._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/plain"].startswith("Step 2 of 10: epoch 1, batch 1 of 4: samples 0, 1 and")
