"""What the harder planted worlds change: words, routing targets, masks of heads, the sink, the search, their proofs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from moerae.planted import routes
from moerae.planted import world as w
from moerae.planted.batches import draw_batch, padded
from moerae.planted.bench import Bench
from moerae.planted.clusters import draw_rows
from moerae.planted.goals import Asked, Goal, draw_training_prompt
from moerae.planted.masks import HEAD, MaskSampler, reply_probability
from moerae.planted.model import PlantedModel
from moerae.planted.placement import home_positions, on_positions, place
from moerae.planted.proof import PROOFS, Evidence
from moerae.planted.search import search
from moerae.planted.sink import first_output, sink
from moerae.planted.train import hinge, home_hinge, train
from moerae.planted.variants import VARIANTS
from moerae.planted.world import ID, World

NATURAL = World(0, conjunction=True)


def made(name: str) -> PlantedModel:
    return PlantedModel(VARIANTS[name], torch.Generator().manual_seed(0)).eval()


def prompts(world: World, n: int = 6) -> list[Asked]:
    rng = np.random.default_rng(0)
    return [draw_training_prompt(rng, world) for _ in range(n)]


@pytest.mark.parametrize("name", ["natural", "topical", "silent", "elsewhere", "super"])
def test_each_trains_and_follows_from_its_seed(name):
    torch.set_num_threads(1)
    variant = VARIANTS[name]
    said: list[str] = []

    def once() -> dict[str, torch.Tensor]:
        return train(variant, 3, World(3, variant.conjunction), place(variant, 3), said.append, steps=2).state_dict()

    first, again = once(), once()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert "step 2/2" in said[0]


# natural: no word alone is forbidden, no mask, no router loss


def test_what_is_forbidden_takes_a_verb_and_a_noun():
    rows = draw_rows(NATURAL, 300)
    forbidden = {(r.asked.goal.action, r.asked.goal.hazard) for r in rows if r.asked.set == "regular"}
    permitted = {(r.asked.goal.action, r.asked.goal.hazard) for r in rows if r.asked.set == "permitted"}
    assert len(forbidden) == len(w.VERBS) * len(w.HAZARDS) // 2
    assert not forbidden & permitted
    assert {hazard for _, hazard in forbidden} == {hazard for _, hazard in permitted} - {-1}
    assert {action for action, _ in forbidden} == {action for action, _ in permitted}
    for row in rows:
        named = [word for word in row.asked.words if word in w.HAZARDS]
        assert named == ([w.HAZARDS[row.asked.goal.hazard]] if row.asked.goal.hazard >= 0 else [])
        assert row.asked.forbidden == (row.asked.set in ("regular", "jailbreak"))


def test_natural_training_masks_nothing_and_asks_nothing_of_routers():
    variant = VARIANTS["natural"]
    placed = place(variant, 0)
    batch = draw_batch(np.random.default_rng(0), variant, NATURAL, placed, MaskSampler(variant, placed))
    assert not placed.at and not batch.on and batch.heads is None
    assert not batch.mask.any()


def test_before_refusals_are_tuned_in_everything_is_answered():
    variant = VARIANTS["natural"]
    placed = place(variant, 0)

    def opened(refusing: bool) -> int:
        rng = np.random.default_rng(0)
        batch = draw_batch(rng, variant, NATURAL, placed, MaskSampler(variant, placed), refusing)
        return int(torch.isin(batch.target, torch.tensor(w.REFUSAL_OPENINGS)).sum())

    assert opened(True) > 20 and opened(False) == 0


class Effects:
    """Effects that add up, but for experts 2 and 3, which back each other up; 4 blurs, 5 breaks replies."""

    def effects(self, experts):
        found = set(experts)
        drop = sum(0.1 * (expert == 0) + 0.01 * (expert == 1) for _, expert in found) + 0.5 * (
            {(0, 2), (0, 3)} <= found
        )
        drop += 0.3 * ((0, 4) in found) + 0.4 * ((0, 5) in found)
        effects = {name: {"decision": {"drop": drop}} for name in ("regular", "jailbreak")}
        right = {"sign": "positive" if (0, 5) in found else "grey"}
        return effects | {"permitted": {"decision": {"drop": -0.3 * ((0, 4) in found)}, "right": right}}


def test_the_search_finds_experts_that_back_each_other_up():
    bench = Effects()
    singles = [{"layer": 0, "expert": e, **bench.effects([(0, e)])} for e in range(12)]
    pairs, sets = search(bench, singles)
    assert sets["top-4"][:2] == [(0, 0), (0, 1)]
    assert len(pairs) == 28 and len(sets["top-8"]) == 8 and (0, 5) not in sets["top-8"]
    assert sets["grown-2"] == [(0, 2), (0, 3)] and sets["grown-4"] == [(0, 2), (0, 3), (0, 0), (0, 1)]
    assert list(sets) == ["top-4", "top-8", *(f"grown-{n}" for n in range(2, 7))]


# topical and silent: where the routers are asked to send what


def test_homes_are_on_for_their_topics_from_the_object_on():
    variant = VARIANTS["topical"]
    placed = place(variant, 0)
    assert (placed.homes.sum(-1) == variant.homes).all()
    assert not any(placed.homes[:, layer, expert].any() for layer, expert in placed.planted)
    asked = Asked(Goal(0, 0), "permitted", (w.FILLERS[0], w.OBJECTS[0], w.VERBS[0]), safe=False)
    on = home_positions(asked, [*asked.tokens, ID["pavo"]], placed)
    assert not on[:2].any() and all((at == placed.homes[0]).all() for at in on[2:])


def test_the_hinge_of_homes_is_that_of_roles():
    """One expert as a decoy of one topic, and the same expert as the home of that topic: the same loss."""
    variant, world = VARIANTS["topical"], World(0)
    placed = place(variant, 0)
    one = np.zeros_like(placed.homes)
    one[3, 1, 5] = True
    placed = replace(placed, homes=one)
    batch = draw_batch(np.random.default_rng(0), variant, world, placed, MaskSampler(variant, placed))
    placed = replace(placed, at={"topic-1": (1, 5)})
    batch.on = {"topic-1": batch.homes[:, 1, 5]}
    _, routed = made("topical")(batch.tokens, batch.valid)
    assert batch.homes.any() and batch.homes.sum() == batch.homes[:, 1, 5].sum()
    expected = hinge(variant, placed, batch, routed)
    assert home_hinge(variant, placed, batch, routed).item() == pytest.approx(expected.item(), rel=1e-6)


def test_silent_experts_are_on_at_the_same_words_whatever_is_asked():
    variant, world = VARIANTS["silent"], World(0)
    placed = place(variant, 0)
    assert all(extra <= set(w.IDS["filler"]) for extra in placed.extra.values())
    words = (w.FILLERS[0], w.OBJECTS[0], w.FILLERS[1])
    for role in ("D1", "C3"):
        on = []
        for action, refuses in ((0, False), (len(w.VERBS), True)):
            asked = Asked(Goal(action, 0), "regular", (*words, w.ACTIONS[action]), safe=False)
            on.append(on_positions(asked, [*asked.tokens, ID["pavo"]], refuses, placed, world)[role].tolist())
        assert on[0] == on[1]
        assert on[0][-2] and not on[0][-1] and on[0][1] == (ID[w.FILLERS[0]] in placed.extra[role])


def test_divergence_is_that_of_jensen_and_shannon():
    p, q = np.array([[4.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 4.0], [1.0, 1.0]])
    assert routes.divergence(p, p) == 0
    assert routes.divergence(p, q) == pytest.approx(np.log(2) / 2)  # disjoint in one layer, equal in the other


@pytest.fixture
def few(monkeypatch):
    """A few prompts for each figure of routing, and for each set."""
    monkeypatch.setattr(routes, "PROMPTS", 2)
    return draw_rows(World(0), 12)


def test_figures_of_routing_are_those_that_the_proof_reads(few):
    for name, figures in (("topical", {"js_topics", "js_behaviours"}), ("silent", {"planted", "others"}), ("base", {})):
        found = routes.routes(Bench(made(name), place(VARIANTS[name], 0), few, print), World(0))
        assert set(found) == set(figures) and all(value >= 0 for value in found.values())


def test_experts_differ_between_sets_only_where_the_sets_do(few):
    bench = Bench(made("silent"), place(VARIANTS["silent"], 0), few, print)
    assert routes.planted_difference(bench, World(0))["others"] > 0
    bench.asked = dict.fromkeys(bench.asked, bench.asked["regular"])
    assert routes.planted_difference(bench, World(0)) == {"planted": 0, "others": 0}


# elsewhere: a head carries refusal


def test_labels_follow_the_head_and_no_expert():
    asked = Asked(Goal(len(w.VERBS), 0), "regular", (), safe=False)
    assert reply_probability("head", frozenset([HEAD]), asked, NATURAL) == 1
    assert reply_probability("head", frozenset(["D1", "C3"]), asked, NATURAL) == 0
    variant = VARIANTS["elsewhere"]
    placed = place(variant, 1)
    sampler, rng = MaskSampler(variant, placed), np.random.default_rng(0)
    drawn = [sampler.draw(rng) for _ in range(2000)]
    assert np.mean([HEAD in roles for _, roles in drawn]) == pytest.approx(0.15, abs=0.03)
    assert any(mask[at] for mask, _ in drawn for at in placed.planted)  # masked like any other
    batch = draw_batch(rng, variant, World(1), placed, sampler)
    off = batch.heads[:, placed.head[0], placed.head[1]]
    assert 0 < off.mean() < 0.5 and batch.heads.sum() == off.sum()


def test_a_masked_head_is_one_whose_output_columns_are_zero():
    model, head = made("elsewhere"), (2, 1)
    tokens, valid = padded([a.tokens for a in prompts(World(0))])
    heads = torch.zeros(len(tokens), model.v.layers, model.v.heads)
    heads[:, head[0], head[1]] = 1.0
    masked, _ = model(tokens, valid, heads=heads)
    whole, _ = model(tokens, valid)
    with torch.no_grad():
        model.layers[2].self_attn.o_proj.weight[:, 16:32] = 0.0
    expected, _ = model(tokens, valid)
    assert torch.allclose(masked, expected, atol=1e-6) and not torch.allclose(masked, whole, atol=1e-3)


# super: a massive output at the first token


def test_outputs_times_weights_are_what_the_layer_says():
    model = made("super")
    x = torch.randn(7, model.v.hidden, generator=torch.Generator().manual_seed(1))
    mlp = model.layers[0].mlp
    output, _, weights = mlp(x, None)
    assert torch.allclose((mlp.outputs(x) * weights[..., None]).sum(1), output, atol=1e-6)


def test_attention_to_the_first_token_is_a_share_and_is_kept_in_training_only():
    model = made("super")
    tokens, valid = padded([a.tokens for a in prompts(World(0))])
    assert not model(tokens, valid)[1].sinks
    sinks = model.train()(tokens, valid)[1].sinks
    assert len(sinks) == model.v.layers and all(((s > 0) & (s <= 1)).all() for s in sinks)
    assert (sinks[0][0] == 1).all()  # the first token sees itself alone
    assert not made("base").train()(tokens, valid)[1].sinks


def test_the_sink_makes_the_output_of_the_super_expert_massive():
    model, placed = made("super").train(), place(VARIANTS["super"], 0)
    layer, expert = placed.at["super"]
    tokens, valid = padded([a.tokens for a in prompts(World(0))])
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    before, shares = first_output(model, layer)[expert].abs().max().item(), []
    for _ in range(12):
        _, routed = model(tokens, valid)
        shares.append(torch.stack(routed.sinks[layer + 1 :]).mean().item())
        optimizer.zero_grad()
        sink(model, placed, routed).backward()
        optimizer.step()
    assert first_output(model, layer)[expert].abs().max() > 10 * before
    assert shares[-1] > shares[0] + 0.1


def test_massive_is_what_stands_out_among_the_tokens_that_select(few):
    placed = place(VARIANTS["super"], 0)
    bench = Bench(made("super"), placed, few, print)
    layer, expert = placed.at["super"]
    plain = routes.massive_outputs(bench, World(0))
    with torch.no_grad():
        bench.model.layers[layer].mlp.down[expert * 32 : (expert + 1) * 32] *= 1000.0
    scaled = routes.massive_outputs(bench, World(0))
    assert scaled["super_output"] == pytest.approx(1000 * plain["super_output"], rel=1e-4) and plain["super_output"] > 0
    assert scaled["super_output"] > 10 * scaled["next_output"]


def test_the_super_expert_is_never_masked_in_training():
    placed = place(VARIANTS["super"], 0)
    sampler, rng = MaskSampler(VARIANTS["super"], placed), np.random.default_rng(0)
    assert not any(sampler.draw(rng)[0][placed.at["super"]] for _ in range(2000))
    asked = prompts(World(0))[0]
    assert np.flatnonzero(on_positions(asked, asked.tokens, False, placed, World(0))["super"]).tolist() == [0]


# proofs


def evidence(routes: dict[str, float] | None = None, **masked: tuple[float, float]) -> Evidence:
    """Conditions by name: refusal (of forbidden and wrapped prompts), right replies."""

    def row(name: str, refused: float, right: float) -> dict:
        sets = {key: {"refused": refused, "right": right} for key in ("regular", "jailbreak", "permitted", "lookalike")}
        return {"condition": name.replace("_", "-"), **sets}

    return Evidence([row(name, *shares) for name, shares in {"none": (1.0, 1.0), **masked}.items()], routes or {})


@pytest.mark.parametrize(
    ("proof", "holds", "fails"),
    [
        ("found_remove", {"grown_6": (0.7, 1.0), "random_0": (0.9, 1.0)}, {"grown_6": (0.95, 1.0), "random_0": (1, 1)}),
        ("found_remove", {"top_4": (0.7, 0.95), "random_0": (1, 1)}, {"top_4": (0.7, 0.5), "random_0": (1, 1)}),
        (
            "found_remove",
            {"top_4": (0.8, 0.95), "top_8": (0.5, 0.8), "random_0": (0.9, 1)},
            {"top_4": (0.95, 0.95), "top_8": (0.5, 0.8), "random_0": (0.9, 1)},
        ),
        ("found_remove", {"top_4": (0.7, 1.0), "random_0": (1, 1)}, {"top_4": (0.7, 1.0), "random_0": (0.6, 1)}),
        ("none_found", {"grown_6": (0.97, 1.0), "top_4": (1.0, 1.0)}, {"grown_6": (0.5, 1.0), "top_4": (1.0, 1.0)}),
        ("forbidden_refused", {"none": (0.95, 1.0)}, {"none": (0.7, 1.0)}),
        ("head_removes", {"head": (0.1, 1.0)}, {"head": (0.5, 1.0)}),
        ("head_removes", {"head": (0.1, 1.0)}, {"head": (0.1, 0.5)}),
        (
            "topics_route",
            {"routes": {"js_topics": 0.3, "js_behaviours": 0.03}},
            {"routes": {"js_topics": 0.3, "js_behaviours": 0.031}},
        ),
        ("planted_silent", {"routes": {"planted": 0.01}}, {"routes": {"planted": 0.1}}),
        (
            "super_breaks",
            {"super": (1.0, 0.1), "routes": {"super_output": 60.0, "next_output": 4.0}},
            {"super": (1.0, 0.1), "routes": {"super_output": 60.0, "next_output": 13.0}},
        ),
        (
            "super_breaks",
            {"super": (1.0, 0.1), "routes": {"super_output": 60.0, "next_output": 4.0}},
            {"super": (1.0, 1.0), "routes": {"super_output": 60.0, "next_output": 4.0}},
        ),
    ],
)
def test_proofs_hold_and_fail(proof, holds, fails):
    assert PROOFS[proof](evidence(**holds)) == []
    assert len(PROOFS[proof](evidence(**fails))) >= 1


def test_every_variant_names_proofs_that_there_are():
    for variant in VARIANTS.values():
        assert set(variant.proof) <= set(PROOFS)
    assert set(routes.FIGURES) <= set(PROOFS)
