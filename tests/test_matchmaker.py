"""The example examples/matchmaker: its chats, its own rule, and its experiments."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from r1lite.build import make_rules, make_task
from r1lite.config import Config
from r1lite.models.pretrained import parameter_count
from r1lite.models.tiny import build_model, build_tokenizer
from r1lite.registry import load_plugins
from r1lite.scoring.rules import Rules
from r1lite.scoring.verdicts import verdict_of
from r1lite.settings.compose import configuration
from r1lite.stages.pretrain import Corpus
from r1lite.text.response import respond
from r1lite.types import Problem, Response, Rollout, TeachingTask
from rewards import rewards
from tasks import tasks

HOME = Path(__file__).resolve().parent.parent
EXAMPLE = HOME / "examples" / "matchmaker"
PLUGINS = [str(EXAMPLE / "task.py"), str(EXAMPLE / "profile_fields.py")]
SPLITS = ("train", "validation", "test", "easy", "hard")


def configured(experiment: str, *settings: str) -> Config:
    """As `--config-dir examples/matchmaker/conf experiment=...` composes it, from any folder."""
    cfg = configuration([f"experiment={experiment}", *settings], EXAMPLE / "conf")
    assert [str(HOME / path) for path in cfg.plugins] == PLUGINS
    cfg.plugins = PLUGINS
    return cfg


@pytest.fixture(scope="module", autouse=True)
def as_it_was() -> Iterator[None]:
    """Other tests know the shipped rules and tasks alone."""
    modules, entries = set(sys.modules), [(registry, set(registry._entries)) for registry in (rewards, tasks)]
    yield
    for registry, before in entries:
        for name in set(registry._entries) - before:
            if registry._entries[name].__module__.startswith("r1lite_plugin_"):
                del registry._entries[name]
    for name in set(sys.modules) - modules:
        if name.startswith("r1lite_plugin_"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return make_rules(configured("matchmaker"))


def matchmaker(**options: Any) -> Any:
    load_plugins(PLUGINS)
    return tasks["matchmaker"](**options)


def first(split: str, count: int, **options: Any) -> list[Problem]:
    return list(islice(matchmaker(**options).problems(split), count))


def scored(rules: Rules, problem: Problem, text: str) -> dict[str, float | None]:
    rollout = Rollout(problem_id=problem.id, index=0, prompt_ids=(), token_ids=(), logprobs=(), text=text)
    return {name: verdict_of(rules, name, problem, rollout).value for name in rules.weights}


def answered(profile: Any) -> str:
    return f"<think>so it is</think><answer>{json.dumps(profile, ensure_ascii=False)}</answer>"


@pytest.mark.parametrize("split", SPLITS)
def test_gold_answers_score_full_marks_in_both_languages(split: str, rules: Rules) -> None:
    problems = first(split, 40)
    assert {p.info["language"] for p in problems} == {"en", "zh"}
    for problem in problems:
        marks = scored(rules, problem, respond(matchmaker().demonstration(problem)))
        assert marks == {"profile_fields": 1.0, "json_schema": 1.0, "language": 1.0}, problem


@pytest.mark.parametrize("split", ["easy", "hard"])
def test_a_guess_is_a_profile_but_never_all_of_it_right(split: str, rules: Rules) -> None:
    task = matchmaker()
    for problem in first(split, 100):
        marks = scored(rules, problem, f"<answer>{task.guess(problem)}</answer>")
        assert marks["json_schema"] == 1.0
        assert marks["language"] == 0.0
        assert (marks["profile_fields"] or 0) < 1.0
        assert task.guess(problem) == task.guess(problem)


GOLD = {"age": 34, "city": "杭州", "education": "硕士", "must_haves": ["爬山", "做饭"], "deal_breakers": ["抽烟"]}
CORRUPTED = [
    ({}, 1.0, "every field is correct"),
    ({"age": 35}, 0.8, "age is 35, not 34"),
    ({"age": "34"}, 0.8, 'age is "34", not 34'),
    ({"age": 34.0}, 0.8, "age is 34.0, not 34"),
    ({"city": "上海"}, 0.8, 'city is "上海", not "杭州"'),
    ({"education": None}, 0.8, 'education is null, not "硕士"'),
    ({"must_haves": ["做饭", "爬山"]}, 1.0, "every field is correct"),
    ({"must_haves": ["爬山"]}, 0.9, 'must_haves is ["爬山"], not ["爬山", "做饭"]'),
    ({"must_haves": ["爬山", "做饭", "音乐", "旅行"]}, 0.9, "must_haves is"),
    ({"must_haves": ["爬山", "爬山"]}, 0.8, "must_haves is"),
    ({"must_haves": "爬山"}, 0.8, "must_haves is"),
    ({"deal_breakers": ["赌博"]}, 0.8, "deal_breakers is"),
    ({"deal_breakers": [["抽烟"]]}, 0.8, "deal_breakers is"),
    ({"phone": 1}, 5 / 6, "phone is 1, not missing"),
]


@pytest.mark.parametrize(("change", "value", "why"), CORRUPTED, ids=str)
def test_a_corrupted_field_costs_its_share_and_is_named(change: dict[str, Any], value: float, why: str, rules: Rules) -> None:
    problem = Problem(id="x", prompt="?", answer=json.dumps(GOLD), info={"language": "zh"})
    rollout = Rollout(problem_id="x", index=0, prompt_ids=(), token_ids=(), logprobs=(), text=answered(GOLD | change))
    verdict = verdict_of(rules, "profile_fields", problem, rollout)
    assert verdict.value == pytest.approx(value, abs=1e-12)
    assert why in verdict.why


def test_the_expected_profile_may_be_an_object_as_in_files(rules: Rules) -> None:
    problem = Problem(id="x", prompt="?", answer=GOLD, info={"language": "zh"})
    assert scored(rules, problem, answered(GOLD | {"age": 35}))["profile_fields"] == pytest.approx(0.8, abs=1e-12)


@pytest.mark.parametrize("field", list(GOLD))
def test_a_missing_field_costs_its_share_and_the_schema(field: str, rules: Rules) -> None:
    problem = Problem(id="x", prompt="?", answer=json.dumps(GOLD), info={"language": "zh"})
    marks = scored(rules, problem, answered({name: value for name, value in GOLD.items() if name != field}))
    assert (marks["profile_fields"], marks["json_schema"]) == (0.8, 0.0)


@pytest.mark.parametrize("text", ["", "<answer></answer>", "<answer>[34]</answer>", "<answer>{'age': 34}</answer>", json.dumps(GOLD)])
def test_what_is_no_object_earns_nothing(text: str, rules: Rules) -> None:
    problem = Problem(id="x", prompt="?", answer=json.dumps(GOLD), info={"language": "zh"})
    marks = scored(rules, problem, text)
    assert (marks["profile_fields"], marks["json_schema"]) == (0.0, 0.0)


def test_a_thought_in_the_other_language_is_not_paid(rules: Rules) -> None:
    thoughts = {"en": "先说杭州，后来改口。", "zh": "First it was one city, and then it is another."}
    for problem in first("hard", 20):
        text = respond(Response(thought=thoughts[problem.info["language"]], answer=problem.answer))
        assert scored(rules, problem, text) == {"profile_fields": 1.0, "json_schema": 1.0, "language": 0.0}


def test_the_same_seed_gives_the_same_chats_and_another_gives_others() -> None:
    once, again, other = (first("hard", 20, seed=s) for s in (7, 7, 8))
    assert once == again
    assert once != other
    assert matchmaker(seed=7).problems("hard")[13] == once[13]


@pytest.mark.parametrize("difficulty", ["easy", "mixed", "hard"])
def test_no_chat_of_training_is_in_a_held_out_split(difficulty: str) -> None:
    seeds = (0, 1, "pretrain/0")
    trained = {p.prompt for seed in seeds for p in first("train", 400, seed=seed, difficulty=difficulty)}
    held_out = {p.prompt for seed in seeds for split in ("test", "easy", "hard") for p in first(split, 200, seed=seed)}
    assert len(trained) > 1000
    assert len(held_out) > 1000
    assert not trained & held_out


def test_an_easy_chat_says_the_whole_profile_in_its_order_and_nothing_else() -> None:
    values = {v for language in matchmaker_phrases().values() for listed in language["values"].values() for v in listed}
    for problem in first("easy", 60):
        told = re.split(r"\W+", str(problem.prompt).split("\n", 1)[1]) if problem.info["language"] == "en" else None
        gold = [v for value in json.loads(problem.answer).values() for v in (value if isinstance(value, list) else [value])]
        at = [str(problem.prompt).split("\n", 1)[1].index(str(v)) for v in gold]
        assert at == sorted(at)
        assert told is None or {w for w in told if w in values} == {v for v in gold if isinstance(v, str)}


def test_hard_chats_have_two_or_three_tricks_and_a_birth_year_is_worked_out() -> None:
    problems = first("hard", 120)
    assert {len(p.info["tricks"]) for p in problems} == {2, 3}
    assert {t for p in problems for t in p.info["tricks"]} == {"birth", "friend", *GOLD}
    by_birth = [p for p in problems if "birth" in p.info["tricks"]]
    for problem in by_birth:
        now, *born = map(int, re.findall(r"(?:19|20)\d\d", str(problem.prompt)))
        assert now - born[-1] == json.loads(problem.answer)["age"]
    assert len(by_birth) > 20


def matchmaker_phrases() -> dict[str, Any]:
    import yaml

    return yaml.safe_load((EXAMPLE / "phrases.yaml").read_text(encoding="utf-8"))


def test_both_languages_have_phrases_for_the_same_things() -> None:
    en, zh = matchmaker_phrases().values()
    assert en.keys() == zh.keys()
    for part in ("values", "says", "corrects", "friend", "thinks"):
        assert en[part].keys() == zh[part].keys()


def test_the_student_has_at_most_a_third_of_the_teachers_parameters_and_the_same_tokens() -> None:
    made = []
    for experiment in ("matchmaker_base", "matchmaker_student"):
        cfg = configured(experiment)
        tokenizer = build_tokenizer(Corpus(cfg).texts(), vocabulary=cfg.pretrain.vocabulary)
        made.append((parameter_count(build_model(cfg.pretrain, tokenizer, seed=0)), tokenizer.get_vocab()))
    (teacher, theirs), (student, mine) = made
    assert 3 * student <= teacher
    assert mine == theirs


def test_the_corpus_is_of_this_domain_alone() -> None:
    cfg = configured("matchmaker_base")
    assert set(cfg.pretrain.corpus) == {"matchmaker/easy", "matchmaker/hard"}
    task: TeachingTask = make_task(cfg)  # pyright: ignore[reportAssignmentType]
    assert task.name == "matchmaker"


def test_an_unknown_difficulty_says_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"unknown task\.difficulty 'medium'\. .*Known: easy, hard, mixed\."):
        matchmaker(difficulty="medium")


def test_the_readmes_own_task_and_rule_work_as_written(tmp_path: Path) -> None:
    shown = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [name for name, _ in shown] == ["my_task.py", "my_rule.py"]
    for name, text in shown:
        (tmp_path / name).write_text(text)
    load_plugins([str(tmp_path / name) for name, _ in shown])
    task: Any = tasks["my_task"](seed=3)
    problem = task.problems("test")[0]
    own = Rules.from_config({"my_rule": {"weight": 1.0}}, PLUGINS)
    assert scored(own, problem, respond(task.demonstration(problem))) == {"my_rule": 1.0}
    assert scored(own, problem, "<answer>none</answer>") == {"my_rule": 0.0}
    assert not {p.prompt for p in task.problems("train")[:200]} & {p.prompt for p in task.problems("test")[:200]}
