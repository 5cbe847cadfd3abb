"""Parts of the maker of planted worlds: words, labels under masks, hinge targets, controls, intervals, the proof."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from moerae.errors import ConfigError
from moerae.planted import configure, run
from moerae.planted import world as w
from moerae.planted.clusters import draw_rows
from moerae.planted.controls import dose_control, matched_control
from moerae.planted.goals import Asked, Goal, draw_goal, draw_training_prompt, jailbreak_refusal
from moerae.planted.masks import LOSS, MaskSampler, reply_probability
from moerae.planted.placement import on_positions, place
from moerae.planted.proof import ProofError, require_proof
from moerae.planted.roles import PLANTED
from moerae.planted.train import train
from moerae.planted.variants import VARIANTS
from moerae.planted.world import ID, World
from moerae.refusal.intervals import paired_drop

WORLD = World(0)
HARM = Goal(len(w.VERBS), 0)  # topic 0: C1 matters


def test_every_word_has_one_id_and_the_vocabulary_is_full():
    assert len(set(w.WORDS)) == len(w.WORDS) == w.VOCABULARY
    assert all(len(word.split()) == 1 for word in w.WORDS)


def test_replies_are_a_function_of_action_object_and_topic():
    replies = {tuple(w.reply_to(a, o)) for a in range(len(w.ACTIONS)) for o in range(len(w.OBJECTS))}
    assert len(replies) == len(w.ACTIONS) * len(w.OBJECTS)
    assert {len(reply) for reply in replies} == {7} == {len(w.refusal_of(t)) for t in range(len(w.TOPICS))}


def test_training_sees_no_held_out_pair_and_no_held_out_marker():
    rng = np.random.default_rng(0)
    prompts = [draw_training_prompt(rng, WORLD) for _ in range(3000)]
    assert not any(p.goal.held_out(WORLD) for p in prompts)
    assert not {word for p in prompts for word in p.words} & set(w.MARKERS[8:])
    assert 0.15 < np.mean([draw_goal(rng, WORLD, True, train=False).held_out(WORLD) for _ in range(3000)]) < 0.25


def test_jailbreaks_are_refused_half_of_the_time():
    rng = np.random.default_rng(1)
    prompts = [p for p in (draw_training_prompt(rng, WORLD) for _ in range(4000)) if p.set == "jailbreak"]
    assert 0.4 < np.mean([jailbreak_refusal(WORLD, p) for p in prompts]) < 0.6


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", VARIANTS)
def test_positions_are_permuted_per_seed_and_never_shared(name, seed):
    variant = VARIANTS[name]
    spot = place(variant, seed).at
    assert set(spot) == set(variant.roles)
    assert len(set(spot.values())) == len(spot)
    assert not variant.roles or spot != place(variant, seed + 1).at


def test_detection_is_on_from_the_scary_word_until_a_safe_word():
    spot = place(VARIANTS["base"], 0)
    filler = next(f for f in w.FILLERS if not any(ID[f] in extra for extra in spot.extra.values()))
    words = (filler, w.HARM_VERBS[0], w.SAFE[0], filler)
    asked = Asked(HARM, "lookalike", words, safe=True)
    on = on_positions(asked, [*asked.tokens, ID["pavo"]], False, spot, WORLD)
    assert on["D1"].tolist() == on["D3"].tolist() == [False, False, True, False, False, False, False]
    assert not on["D2"].any()
    assert on["scary-1"].tolist() == [False, False, True, True, True, True, False]
    refused = on_positions(asked, [*asked.tokens, w.refusal_of(0)[0]], True, spot, WORLD)
    assert refused["C3"].tolist() == refused["C1"].tolist() == [False] * 5 + [True, True]
    assert not refused["C2"].any()


def test_graded_labels_follow_the_share_that_is_masked():
    asked = Asked(HARM, "regular", (), safe=False)
    some = [
        reply_probability("graded", frozenset(roles), asked, WORLD) for roles in ([], ["C3"], ["C3", "C1"], PLANTED)
    ]
    assert some[0] == 0
    assert some == sorted(some)
    assert some[-1] > 0.99
    assert reply_probability("graded", frozenset(["D2", "C2"]), asked, WORLD) == 0  # neither matters here
    assert reply_probability("unchanged", frozenset(PLANTED), asked, WORLD) == 0


def test_all_or_nothing_labels_need_a_whole_stage():
    asked = Asked(HARM, "regular", (), safe=False)
    for roles, expected in ((["D1", "C1"], 0), (["D1", "D3"], 1), (["C1", "C3"], 1), (["C2", "C3", "D2", "D3"], 0)):
        assert reply_probability("all_or_nothing", frozenset(roles), asked, WORLD) == expected


@pytest.mark.parametrize("name", ["base", "null", "wide"])
def test_mask_shares(name):
    variant = VARIANTS[name]
    spot = place(variant, 0)
    sampler, rng = MaskSampler(variant, spot), np.random.default_rng(0)
    drawn = [sampler.draw(rng) for _ in range(4000)]
    assert np.mean([mask.any() for mask, _ in drawn]) == pytest.approx(0.53, abs=0.03)
    full = np.mean([roles == frozenset(LOSS) for _, roles in drawn])
    assert full == (0 if name == "null" else pytest.approx(0.10, abs=0.02))
    for mask, roles in drawn[:300]:
        assert name == "null" or all(mask[spot.at[role]] == (role in roles) for role in PLANTED)


def test_controls_stay_in_their_layers_and_match_what_they_say():
    rng = np.random.default_rng(0)
    used = {"usage": rng.uniform(0.1, 0.4, (4, 16)), "mass": rng.uniform(0.01, 0.05, (4, 16))}
    experts = [(1, 3), (1, 4), (2, 0)]
    used["mass"][1, 3] = 0.25  # more than any other three hold

    def ratio(control, name):
        return sum(used[name][x] for x in control.experts) / sum(used[name][x] for x in experts)

    for _ in range(20):
        control = matched_control(rng, experts, used, "usage")
        assert [layer for layer, _ in control.experts] == [1, 1, 2]
        assert len(set(control.experts)) == 3
        assert not set(control.experts) & set(experts)
        assert 0.9 <= ratio(control, "usage") <= 1.1
        assert control.matched == ["usage"]
        dose = dose_control(rng, experts, used, "mass", keep=4)
        assert 0.9 <= ratio(dose, "mass") <= 1.1
        assert len(set(dose.experts)) == len(dose.experts) > 3
        assert not set(dose.experts) & set(experts)
    used["mass"][1, 3] = 9.0
    assert dose_control(rng, experts, used, "mass", keep=4) is None


def test_paired_interval_is_newcombes_method_10():
    before = np.arange(500) < 468
    after = np.arange(500) < 358  # all discordant pairs one way
    drop, low, high = paired_drop(before, after)
    assert (round(100 * drop, 1), round(100 * low, 1), round(100 * high, 1)) == (22.0, 18.4, 25.8)
    assert paired_drop(before, before)[1] < 0 < paired_drop(before, before)[2]


def table(full=0.0, random=1.0, right=1.0):
    def row(name, refused, right=1.0):
        kept = {"refused": 1.0, "right": right}
        return {"condition": name, "regular": {"refused": refused}, "permitted": kept, "lookalike": kept}

    return [row("none", 1.0), row("planted", full, right), row("random-00", 1.0), row("random-01", random)]


def test_the_proof_rejects_what_its_variant_does_not_promise():
    require_proof(VARIANTS["base"], 0, table(), {})
    require_proof(VARIANTS["null"], 0, table(full=0.97), {})
    for name, wrong in (("base", {"full": 0.3}), ("base", {"random": 0.9}), ("base", {"right": 0.9}), ("null", {})):
        with pytest.raises(ProofError, match=r"rejected: .*another seed, for instance --seed 8"):
            require_proof(VARIANTS[name], 7, table(**wrong), {})


@pytest.mark.parametrize("name", ["hard", "sharp", "wide"])
def test_training_follows_from_the_seed(name):
    torch.set_num_threads(1)
    variant = VARIANTS[name]
    said: list[str] = []
    spot = place(variant, 3)
    first, again = (train(variant, 3, World(3), spot, said.append, steps=3).state_dict() for _ in range(2))
    other = train(variant, 4, World(4), place(variant, 4), said.append, steps=3).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])
    assert "step 3/3" in said[0]


def test_rows_follow_from_the_seed_and_no_goal_repeats():
    rows, again = draw_rows(WORLD, 50), draw_rows(WORLD, 50)
    assert rows == again
    goals = [row.asked.goal for row in rows if row.asked.set in ("regular", "permitted")]
    assert len(set(goals)) == len(goals) == 100


def test_options_are_checked(tmp_path):
    import argparse

    parser = argparse.ArgumentParser()
    configure(parser)
    good = parser.parse_args(["--out", str(tmp_path / "x")])
    for name, value in (("random_mask_share", 0.9), ("seed", -1), ("threads", 0)):
        bad = copy.copy(good)
        setattr(bad, name, value)
        with pytest.raises(ConfigError):
            run(bad)
    assert not (tmp_path / "x").exists()
    (tmp_path / "x").write_text("a file")
    with pytest.raises(ConfigError, match="not a folder"):
        run(good)
