"""Each kind of finding: a wrong program deserves it, a right one that looks like it does not."""

import linecache
import re

import pytest
import torch
from torch import nn

from course import watch, why_no_grad
from course.companion import KINDS
from tests.companion import (
    carried,
    chosen,
    derived,
    estimates,
    exchanged,
    factors,
    fitted,
    forum,
    names,
    objectives,
    overlooked,
    packed,
    programs,
    several,
    silent,
    stood_for,
    structure,
    terms,
    unmoved,
    wasted,
    wired,
    without_effect,
)
from tests.companion.programs import PAIRS

IDS = [f"{code}-{number}" for number, (code, _, _) in enumerate(PAIRS)]
TRUE_REMARKS = {"fine", "fine_in_part", "frozen", "emptied", "no_backward", "part_alone"}
"""What may be said of a right program too."""
OF_NOTES = {"compiled", "distributed"}
"""What is said as a note: tests/companion/test_watch.py."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("code", "wrong", "right"), PAIRS, ids=IDS)
def test_a_wrong_program_is_named_and_a_right_one_like_it_is_not(code, wrong, right):
    report = wrong()
    assert report.codes[:1] == (code,), report
    assert code not in right().codes
    assert not {one.code for one in right().findings if one.sure} - TRUE_REMARKS


def test_gradients_that_a_step_used_before_they_were_emptied_are_no_loss():
    report = programs.emptied_after_the_step()
    assert "No gradient of 4 parameters is lost" in report.about
    assert "4 had one until it was emptied" in report.about


def test_a_number_that_is_shown_is_not_taken_for_the_loss_of_a_pass():
    report = overlooked.in_pieces()
    assert "had one until it was emptied" in report.about
    assert set(report.codes) == {"emptied"}, report


def test_an_optimizer_made_before_the_head_holds_none_of_the_parameters_that_require_grad():
    report = chosen.a_head_replaced_over_a_frozen_backbone()
    assert report.codes == ("other_model",), report
    assert "holds none of the parameters of model that require grad" in str(report), report


@pytest.mark.parametrize(("wrong", "line"), [*factors.LINES, *fitted.LINES, *without_effect.LINES])
def test_the_line_is_that_of_the_node_or_of_the_hook(wrong, line):
    assert line in (report := wrong()).findings[0].place.text, report


def test_copies_whose_gradients_are_handed_on_by_hand_are_no_mistake():
    report = unmoved.gradients_of_copies_that_are_handed_on()
    assert not report.codes, report


def test_a_model_with_two_names_is_not_told_where_another_one_is_asked_about():
    report = names.a_tied_layer_beside_a_target_that_is_the_input()
    assert report.codes[:1] == ("zero_equal",), report


def test_an_index_that_another_layer_chose_is_no_row_of_a_code():
    report = names.a_row_that_something_else_chose()
    assert report.codes[:1] == ("cut_integer",), report


def test_a_head_that_an_earlier_watched_step_used_was_emptied_and_not_lost():
    report = names.a_head_that_every_second_step_uses()
    assert report.codes == ("emptied",), report
    assert "No gradient of 6 parameters is lost." in report.about


def test_of_a_hook_that_looks_and_ways_that_cancel_the_ways_are_told():
    def looks(gradient):
        gradient.abs()

    report = factors.cancelling(looks)
    assert report.codes == ("zero_cancels",), report
    assert report.findings[0].sure


def test_where_a_hook_may_give_zeros_and_ways_may_cancel_both_are_candidates():
    report = factors.cancelling(lambda g: g * 2)
    assert report.codes == ("zero_hook", "zero_cancels"), report
    assert not any(one.sure for one in report.findings)


def test_a_loss_that_is_handed_on_detached_is_no_cut():
    report = programs.a_loss_handed_on_detached()
    assert report.codes == ("fine",)
    assert "detached" in report.about


def test_the_line_of_a_checkpoint_is_that_of_its_call():
    (found,) = programs.in_a_reentrant_checkpoint().findings
    assert found.place.text == "h = checkpoint(block, x, use_reentrant=reentrant)"


def test_of_a_softmax_before_the_loss_both_lines_are_named():
    (found,) = (one for one in programs.softmax_twice().findings if one.code == "probabilities")
    assert found.place.text == "return F.cross_entropy(shares, TARGET)"
    file, line = re.search(r"result of softmax at (\S+), line (\d+)", str(found)).groups()
    assert file == "programs.py"
    assert "y.softmax(1)" in linecache.getline(programs.__file__, int(line))


@pytest.mark.parametrize(
    "report",
    [
        objectives.an_outer_product_that_a_layer_reads,
        objectives.an_action_that_a_critic_judges_too,
        objectives.a_score_that_is_written_out,
        objectives.two_views_that_are_to_agree,
    ],
)
def test_a_loss_that_looks_like_another_and_is_meant_is_no_alarm(report):
    assert report().codes == ()


def test_of_a_hook_that_lets_some_rows_through_the_others_are_noted():
    report = objectives.rows_behind_a_hook()
    assert report.codes == ()
    (note,) = report.notes
    assert "which is 0 in 2 of 6 rows: 3 to 4." in note


def test_of_nan_that_is_older_than_the_watch_no_pass_of_it_is_blamed():
    for report in map(str, silent.watched_after_the_weights_are_nan()):
        assert report.count("The loss is nan because weights were") == 1, report
        assert "of a pass before" not in report, report


def test_a_target_network_is_left_out():
    report = programs.a_target_network()
    assert report.codes == ()
    assert "No gradient of 8 parameters is lost" in report.about
    assert "4 that no optimizer holds" in report.about


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("collect", "codes", "line"),
    [
        (lambda kept: torch.tensor(kept), ("cut_rebuilt",), "torch.tensor(kept)"),
        (lambda kept: torch.Tensor(kept), ("cut_rebuilt",), "torch.Tensor(kept)"),
        (lambda kept: torch.FloatTensor(kept), ("cut_rebuilt",), "torch.FloatTensor(kept)"),
        (lambda kept: kept[0].new_tensor(kept), ("cut_rebuilt",), "new_tensor(kept)"),
        (lambda kept: torch.tensor([one.item() for one in kept]), ("cut_number",), "one.item()"),
        (torch.stack, ("fine",), None),
    ],
)
def test_a_drawn_index_and_a_check_of_arguments_are_no_cuts(collect, codes, line):
    report = programs.logarithms_of_a_policy(collect)
    assert report.codes == codes, report
    assert line is None or line in report.findings[0].place.text


@pytest.mark.parametrize(
    "program", [wired.an_activation_kept, wired.weights_of_a_hypernetwork], ids=lambda p: p.__name__
)
def test_what_a_forward_pass_leaves_on_a_model_is_no_lost_parameter(program):
    assert "computed" not in program().codes


def test_two_optimizers_of_one_model_are_named_where_another_has_none():
    codes = [one for one in PAIRS if one[0] == "untrained_model"]
    report = codes[0][1]()
    assert "first and other hold none of the parameters of back" in str(report)
    assert "(first and other both hold those of there)" in str(report)
    assert report.findings[0].sure


@pytest.mark.parametrize("by_number", [True, False])
def test_layers_that_the_source_chooses_among_are_a_note_and_no_alarm(by_number):
    report = chosen.one_of_several(by_number)
    assert not set(report.codes) - TRUE_REMARKS, report
    assert "were not chosen among those in model.ways in this step" in str(report), report


def test_the_line_that_copies_a_parameter_is_named_where_nothing_uses_it():
    report = chosen.a_copied_coupling(True)
    assert report.codes == ("never_used",), report
    assert "self.coupling.detach().clone()" in report.findings[0].place.text, report
    assert "This line copies its numbers" in str(report), report
    assert chosen.a_copied_coupling(False).codes == ("fine",)


@pytest.mark.parametrize("give", [chosen.Agent.load, chosen.Agent.follow])
def test_a_recorded_target_that_is_given_weights_is_a_note_and_no_alarm(give):
    report, seen = chosen.a_recorded_target(give)
    for one in (report, seen):
        assert one.codes == (), one
        assert "agent.slow is given another model's weights" in str(one), one
        assert "no_grad" in str(one), one
    assert "4 that no optimizer holds are left out" in str(report), report


def test_an_optimizer_that_empties_inside_of_its_step_is_no_alarm():
    assert wired.an_image_by_lbfgs().codes == ("fine",)


def test_a_layer_that_forward_makes_in_its_first_call_alone_came_after_the_optimizer():
    assert wired.a_head_that_is_made_once().codes == ("not_in_optimizer",)


def test_memory_that_is_used_again_is_not_taken_for_values_that_were_cut():
    assert wired.values_that_were_cut_and_are_gone().codes == ("fine",)


def test_a_second_way_that_is_not_recorded_is_noted_and_no_alarm():
    report = wired.a_view_without_recording(False)
    assert report.codes == ("fine",)
    assert "a second time by linear()" in str(report)
    assert "a second time" not in str(wired.a_view_without_recording(True))
    assert "a second time" not in str(wired.an_action_chosen_without_recording())


def test_a_parameter_of_no_model_that_an_optimizer_holds_is_asked_about_too():
    assert "nu" in str(wired.a_loose_parameter(False))
    assert wired.a_loose_parameter(True).codes == ()


def test_the_headline_counts_what_is_frozen_and_speaks_of_one_as_of_one():
    assert "No gradient of 4 parameters is lost. 1 is frozen." in wired.a_part_frozen().about
    assert "No gradient of 1 parameter is lost." in wired.one_parameter().about


def test_the_headline_does_not_say_that_all_is_well_above_what_is_wrong():
    report = programs.a_trainer_with_half_an_optimizer(ask_all=True)
    assert report.about.startswith("1 thing beside the gradients is wrong.")


def test_model_and_optimizer_are_found_in_an_object_of_the_readers_own():
    report = programs.a_trainer_with_half_an_optimizer()
    assert report.codes == ("not_in_optimizer",)
    assert "trainer.optimizer does not hold trainer.model.0.weight" in str(report)


@pytest.mark.parametrize("program", programs.RIGHT, ids=lambda one: one.__name__)
def test_small_gradients_of_right_programs_are_no_alarm(program):
    report = program()
    assert "No gradient" in report.about, report
    assert not [one for one in report.findings if one.sure], report


def test_what_a_watch_shows_by_itself_names_a_loss_that_was_nan():
    with watch() as seen:
        w = torch.ones(3, requires_grad=True)
        (w - 2).log().sum().backward()
    assert "log() is the first call that gave it" in str(seen)


def test_a_tensor_class_that_cuts_every_way_is_named_where_the_loss_has_no_graph():
    report = forum.losses_by_a_class()
    assert "cut_rebuilt" in report.codes, report
    assert "torch.Tensor() copies the values" in str(report)
    assert "torch.Tensor(losses)" in report.findings[report.codes.index("cut_rebuilt")].place.text
    assert forum.losses_by_a_stack().codes == ("fine",)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (forum.a_state_replaced_through_data, "h.data = h.data / h.data.norm()"),
        (forum.a_state_scaled_through_data, "h.data.mul_(0.5)"),
        (forum.a_state_written_through_data, "h.data[0] = 0.0"),
    ],
)
def test_a_result_that_is_changed_through_data_is_noted_with_its_line(program, line):
    seen, report = program()
    for one in (seen.report(), report):
        (note,) = [text for text in one.notes if "through .data" in text]
        number = int(re.search(r"line (\d+)", note)[1])
        assert line in linecache.getline(forum.__file__, number), note
    assert "Nothing in them is out of order" not in str(seen)


@pytest.mark.parametrize(
    "program",
    [
        forum.weights_averaged_through_data,
        forum.a_state_scaled_in_the_graph,
        forum.a_state_read_through_data,
    ],
)
def test_weights_that_are_set_through_data_are_not_noted(program):
    seen, report = program()
    assert not [text for text in (*seen.report().notes, *report.notes) if ".data" in text]
    assert "Nothing in them is out of order" in str(seen)


def test_a_drawn_action_is_called_by_its_name_and_gets_no_second_note():
    report = forum.an_action_that_is_drawn("sample")
    assert report.codes == ("cut_sample",)
    assert "sample() draws without recording" in str(report)
    assert not report.notes, report
    assert forum.an_action_that_is_drawn("rsample").codes == ("fine",)


@pytest.mark.parametrize(("wrong", "line"), derived.NAMED, ids=[line for _, line in derived.NAMED])
def test_the_line_is_that_of_the_pass_or_of_the_draw(wrong, line):
    report = wrong()
    assert line in report.findings[0].place.text, report
    assert report.findings[0].sure
    assert not [note for note in report.notes if "second time" in note]


def test_a_node_that_no_watched_call_made_is_blamed_on_none():
    report = derived.a_zero_inside_of_a_script()
    assert report.findings[0].place is None, report
    assert "cos" not in str(report)


def test_a_factor_of_zero_in_a_second_derivative_is_named_by_its_pass():
    report = derived.a_penalty_of_a_slope_that_is_masked()
    assert "made by the pass with create_graph=True" in str(report)
    assert "torch.autograd.grad" in report.findings[0].place.text


def test_a_loss_of_gradients_without_a_graph_is_cut_there_and_was_not_seen_before():
    report = terms.a_loss_of_gradients_alone()
    assert report.codes == ("cut_derivative",), report
    assert "seen before" not in str(report)


def test_a_gradient_that_moves_an_input_is_no_term_of_the_loss():
    one, all_ = terms.an_adversarial_example()
    assert one.codes == ("fine",), one
    assert all_.codes == (), all_


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "gone"])
def test_a_gradient_that_another_loss_rightly_leaves_at_zero_is_no_alarm(keep):
    report = several.asked_about_all(several.hinge(), keep)
    assert report.codes == (), report
    assert "No gradient of 6 parameters is lost." in report.about
    assert "1 has a gradient of 0, which can be right: ask about" in report.about
    assert "critic.2.bias" in report.about


def test_where_every_gradient_is_zero_none_is_said_to_be_fine():
    report = several.a_policy_compared_with_itself_in_parts()
    assert report.about.startswith("All that arrives at 4 parameters is exactly 0."), report
    assert "Ask about one of them: why_no_grad(" in report.about
    assert "is lost" not in report.about


@pytest.mark.parametrize("split", [lambda out: out.chunk(2), lambda out: (out[:8], out[8:])])
def test_the_halves_of_a_batch_are_not_taken_for_one_value(split):
    one, all_ = several.halves_of_a_batch(split)
    assert "zero_twins" not in one.codes, one
    assert all_.codes == (), all_


def test_without_a_watch_a_net_without_curvature_is_a_candidate():
    report = derived.not_watched(torch.nn.ReLU)
    assert report.codes[:1] == ("zero_curvature",)
    assert not report.findings[0].sure
    assert derived.not_watched(torch.nn.Tanh).codes[:1] == ("no_backward",)


def test_layers_that_a_model_does_not_know_come_before_the_optimizer_that_lacks_them():
    assert forum.heads_in_a_dict(dict).codes == ("in_a_list", "not_in_optimizer")
    assert forum.heads_in_a_dict(nn.ModuleDict).codes == ("fine",)


@pytest.mark.parametrize("program", [programs.emptied_after_the_step, forum.losses_by_a_stack])
def test_nothing_is_to_be_cured_where_nothing_is_wrong(program):
    report = program()
    assert set(report.codes) <= {"fine", "emptied"}
    assert "Cure" not in str(report)
    assert "Cure" not in report._repr_html_()


def test_what_was_emptied_too_early_is_said_once():
    report = forum.gradients_emptied_before_the_step()
    assert report.codes == ("emptied_before_step",)
    assert "Cure: Call zero_grad() before backward" in str(report)


def test_a_moving_average_that_the_step_writes_is_no_frozen_layer_that_moves():
    seen, report = chosen.a_moving_average_in_training_mode()
    assert report.codes == ("fine",)
    assert seen.report().findings == ()
    _, report = chosen.a_moving_average_in_training_mode(moves=False)
    assert report.codes == ("fine", "frozen_batchnorm")


@pytest.mark.parametrize(
    ("report", "code", "line"),
    [
        (
            chosen.a_layer_replaced_after_its_optimizer,
            "not_in_optimizer",
            "only_rmsprop = torch.optim.RMSprop(model.parameters())",
        ),
        (chosen.a_layer_in_a_tuple, "in_a_list", "self.kept_in_a_tuple = (nn.Linear(3, 1),)"),
        (
            lambda: chosen.a_model_made_anew_for_each_fold()[0],
            "other_model",
            "only_rprop = torch.optim.Rprop(model.parameters())",
        ),
        (
            lambda: chosen.a_model_made_anew_for_each_fold()[1],
            "other_model",
            "only_rprop = torch.optim.Rprop(model.parameters())",
        ),
    ],
)
def test_what_was_done_before_the_step_has_the_line_of_the_one_statement_that_did_it(
    report, code, line
):
    (found,) = (one for one in report().findings if one.code == code)
    assert found.place is not None
    assert found.place.text == line


def test_where_two_statements_fit_there_is_no_line():
    frozen = forum.frozen_in_two_places()
    assert frozen.codes[0] == "frozen"
    assert frozen.findings[0].place is None


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by the optimizer"])
def test_zeros_that_emptying_left_are_blamed_on_no_operation(by_hand):
    one, all_ = silent.emptied_with_zeros(by_hand)
    assert one.codes == ("emptied",), one
    assert set(all_.codes) <= {"emptied"}, all_


@pytest.mark.parametrize(
    "program",
    [
        unmoved.functions_of_weights,
        unmoved.leaves_made_anew_of_the_ones_before,
        unmoved.the_importance_of_weights,
        unmoved.an_attack_before_the_step,
    ],
    ids=lambda one: one.__name__,
)
def test_loops_that_update_in_ways_of_their_own_are_no_alarm(program):
    assert program().findings == ()


def test_gradients_that_are_assigned_by_hand_are_no_loss():
    one, all_ = unmoved.gradients_of_a_copy_that_are_handed_back()
    assert one.codes == ("fine",), one
    assert "was assigned at" in one.about
    assert not [code for code in all_.codes if code != "fine"], all_


def test_a_target_is_left_out_beside_a_last_loss_that_leads_to_no_model():
    report = unmoved.several_players_of_which_the_last_trains_a_number()
    assert report.codes == (), report
    assert "2 that no optimizer" in report.about


def test_a_row_of_a_mask_is_named_where_the_masked_scores_are_alive():
    assert silent.a_mask_with_a_row_of_its_own().codes == ("nan_row",)


def test_a_model_whose_optimizer_does_not_step_is_left_out():
    report = unmoved.a_step_of_the_critic_alone()
    assert report.codes == (), report
    assert "2 that no optimizer that steps holds" in report.about


def test_a_function_that_gives_zeros_is_not_blamed_where_another_way_leads_on():
    report = structure.reversed_beside_a_gate()
    assert report.codes == (), report


def test_the_row_of_padding_is_told_of_a_table_that_one_asks_about():
    report = exchanged.a_table_whose_first_row_is_padding()
    assert report.codes == ("fine",), report
    assert "Row 0 of table.weight is its padding_idx" in report.notes[0]


def test_such_a_function_is_no_alarm_where_nothing_is_differentiated_twice():
    torch.manual_seed(0)
    first = nn.Linear(2, 4)
    with watch():
        carried.Doubled.apply(first(torch.rand(5, 2))).sum().backward()
    assert why_no_grad(model=first).codes == ()


def test_every_kind_has_its_programs():
    assert {code for code, _, _ in PAIRS} == set(KINDS) - OF_NOTES


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_a_kind_speaks_in_sentences_and_leads_to_a_lesson(kind):
    for text in (kind.says, kind.cure):
        assert re.fullmatch(r"[A-Z{].*[.]", text), text
        assert "  " not in text
    assert kind.title
    assert kind.section.title != kind.section.lesson
    assert kind.section.heading, kind.section


@pytest.mark.parametrize(
    "report",
    [
        wasted.a_row_for_all_samples,
        wasted.losses_that_are_balanced_by_their_sizes,
        wasted.normalization_that_is_kept_as_it_is,
        wasted.a_net_that_is_frozen_behind_its_step,
        without_effect.a_plateau_that_waits_for_a_step,
        without_effect.a_teacher_whose_entropy_is_subtracted,
        without_effect.a_loss_whose_value_passes_straight_through,
        without_effect.a_helper_called_backward,
        without_effect.a_frozen_net_in_eval_mode_behind_a_new_layer,
        without_effect.a_judge_in_eval_mode_while_its_maker_is_trained,
        without_effect.a_head_that_is_trained_alone,
        without_effect.a_maker_that_gets_nothing_beside_its_judge,
        without_effect.a_head_that_is_touched_by_a_factor_of_0,
        without_effect.a_head_that_is_touched_by_a_factor_behind,
    ],
    ids=lambda one: one.__name__,
)
def test_what_is_meant_without_effect_is_no_alarm(report):
    assert not set(report().codes) - TRUE_REMARKS, report()


def test_gradients_that_turns_leave_to_each_other_are_emptied_as_they_should_be():
    assert "emptied_unused" not in stood_for.in_turns().codes


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("begins", [False, True])
def test_a_checkpoint_whose_input_requires_grad_is_no_cut(begins):
    every, *asked = stood_for.in_checkpoints(begins)
    assert not set(every.codes) - TRUE_REMARKS, every
    for report in asked:
        assert report.codes == ("fine",), report
        assert not report.notes, report


def test_the_line_at_which_a_branch_left_torch_is_named_and_nothing_is_said_of_its_factors():
    report = stood_for.blurred_by_arrays()
    assert "np.cumsum(values.detach().numpy(), 0)" in report.findings[0].place.text, report
    assert report.codes == ("term_cut", "zero_part"), report


def test_the_line_that_empties_piece_by_piece_is_named():
    found = stood_for.pieces_emptied_one_by_one().findings[0]
    assert found.place.text == "first.zero_grad()"


def test_the_line_that_emptied_a_gradient_is_its_own_optimizers():
    (found,) = stood_for.emptied_by_its_own().findings
    assert found.place.text == "opt_one.zero_grad()"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("mean", "it divides by 0 in 2 of 4 places"),
        ("exp", "in 8 of 8 places it is given more than its dtype can hold the exp of"),
        ("log", "it is given 0 or less in"),
    ],
)
def test_what_the_first_nan_was_made_of_is_counted(kind, said):
    (found,) = (one for one in stood_for.counted(kind).findings if one.code == "nan_loss")
    assert said in found.sentence, found


@pytest.mark.parametrize("follow", estimates.FOLLOWS)
def test_a_target_that_follows_in_its_step_is_not_to_be_trained(follow):
    for report in estimates.followed(follow):
        assert "untrained_model" not in report.codes, report


@pytest.mark.parametrize("rows", [True, False])
def test_a_leaf_behind_which_a_checkpoint_trains_is_no_alarm(rows):
    report = estimates.adapted(rows)
    assert not set(report.codes) - TRUE_REMARKS, report


def test_a_root_of_numbers_below_0_is_told_as_one():
    assert "takes a root" in packed.told_of_roots()


def test_a_parameter_that_nothing_uses_is_told_with_the_line_that_makes_it():
    (one,) = packed.told_of_unused().findings
    assert one.code == "never_used"
    assert one.place.text == "self.left_behind_here = nn.Parameter(leaf(3).detach())"
