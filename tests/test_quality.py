"""What is kept to learn from."""

import pytest

from r1lite.config import QualityConfig
from r1lite.data.quality import fault, loops, main_language_share, select, structural_fault, style_fault
from r1lite.text.response import respond
from r1lite.types import Finish, Problem, Response, Rollout, Scored, Verdict

ALL = QualityConfig(max_tokens=0, max_paragraph=0, min_language_share=0.0, code_blocks="nowhere")


def scored(thought: str, *, reward: float = 1.0, problem: str = "p", tokens: int = 3, finish: Finish = "stop", text: str = "") -> Scored:
    text = text or respond(Response(thought=thought, answer="2"))
    ids = tuple(range(tokens))
    rollout = Rollout(problem_id=problem, index=0, prompt_ids=(), token_ids=ids, logprobs=(), text=text, finish=finish)
    return Scored(problem=Problem(id=problem, prompt="?"), rollout=rollout, reward=reward, right=reward >= 1, verdicts={})


def thoughts(kept: list[Scored]) -> list[str]:
    return [s.rollout.text.removeprefix("<think>").split("</think>")[0] for s in kept]


def keep_best(groups: list[list[Scored]], *, per_prompt: int) -> list[Scored]:
    return select(groups, ALL, per_prompt=per_prompt)[0]


def test_readable_is_finished_well_formed_and_unbroken() -> None:
    assert structural_fault(scored("1+1=2")) == ""
    assert structural_fault(scored("1+1=2", finish="length")) == "cut_off"
    assert structural_fault(scored("", text="<answer>2</answer>")) == "malformed"
    assert structural_fault(scored("1+1=\ufffd")) == "broken_characters"
    assert structural_fault(scored(" ".join(["so on"] * 40))) == "loop"


def test_a_loop_is_a_run_of_eight_words_for_the_fourth_time() -> None:
    eight = "a b c d e f g h "
    assert not loops(eight * 3)
    assert loops(eight * 4)
    assert loops("first of all " + "well " * 11)  # four runs of eight
    assert not loops("well " * 10)
    assert not loops("a b c d e f g " + " ".join(map(str, range(400))))
    assert not loops("")


def test_the_best_come_first_and_then_the_shortest() -> None:
    group = [scored("long", tokens=9), scored("good", reward=1.1, tokens=9), scored("short", tokens=2), scored("wrong", reward=0.9)]
    assert thoughts(keep_best([group], per_prompt=3)) == ["good", "short", "long"]
    assert thoughts(keep_best([group], per_prompt=1)) == ["good"]


def test_the_same_response_is_kept_once_a_prompt() -> None:
    group = [scored("a  b"), scored("a b"), scored("a\nb"), scored("c", tokens=5)]
    assert thoughts(keep_best([group], per_prompt=4)) == ["a  b", "c"]
    other = [scored("a b", problem="q")]
    assert thoughts(keep_best([group, other], per_prompt=4)) == ["a  b", "c", "a b"]


def test_a_prompt_that_comes_twice_shares_its_places() -> None:
    groups = [[scored("a")], [scored("b", problem="q")], [scored("c"), scored("a")]]
    assert thoughts(keep_best(groups, per_prompt=1)) == ["a", "b"]
    assert thoughts(keep_best(groups, per_prompt=2)) == ["a", "c", "b"]


def test_only_what_is_readable_is_kept() -> None:
    group = [scored("a", finish="length"), scored("", text="<answer>2</answer>"), scored("b")]
    assert thoughts(keep_best([group], per_prompt=3)) == ["b"]


def strict(**changes: object) -> QualityConfig:
    return QualityConfig(**({"max_tokens": 0, "max_paragraph": 0, "min_language_share": 0.0, "code_blocks": "nowhere"} | changes))  # pyright: ignore


@pytest.mark.parametrize(
    ("one", "setting", "why"),
    [
        (scored("a", tokens=9), {"max_tokens": 8}, "too_long"),
        (scored("a", tokens=8), {"max_tokens": 8}, ""),
        (scored("first\n\n" + "x" * 21 + "\n \nlast"), {"max_paragraph": 20}, "long_paragraph"),
        (scored("first\n\n" + "x" * 20 + "\n \nlast"), {"max_paragraph": 20}, ""),
        (scored("so:\n```python\nx=1\n```\ndone"), {"code_blocks": "thought"}, "code_block"),
        (scored("so:\n~~~\nx=1\n~~~\ndone"), {"code_blocks": "anywhere"}, "code_block"),
        (scored("a ``` inside a line is no fence"), {"code_blocks": "anywhere"}, ""),
        (scored("", text="<think>so</think><answer>\n```\nx=1\n```\n</answer>"), {"code_blocks": "thought"}, ""),
        (scored("", text="<think>so</think><answer>\n```\nx=1\n```\n</answer>"), {"code_blocks": "anywhere"}, "code_block"),
        (
            scored("We add both numbers and get four. 我们把两个数字加起来得到四，所以答案是四。"),
            {"min_language_share": 0.8},
            "mixed_languages",
        ),
        (scored("We add both of the numbers, and we get four."), {"min_language_share": 1.0}, ""),
        (scored("设 x = 3，那么 2x = 6，所以答案是六。"), {"min_language_share": 0.8}, ""),
        (scored("7+12=19 19*3=11"), {"min_language_share": 1.0}, ""),
    ],
)
def test_what_the_settings_do_not_allow(one: Scored, setting: dict[str, object], why: str) -> None:
    assert style_fault(one, ALL) == ""
    assert style_fault(one, strict(**setting)) == why


def test_the_main_language_is_that_of_most_words() -> None:
    # 21 characters of Chinese weigh 0.6 words each, and stand against 7 English words.
    text = "我们把两个数字加起来得到四所以答案是四没有别的. We add both of them to get four."
    assert main_language_share(text) == pytest.approx(21 * 0.6 / (21 * 0.6 + 8), abs=0.03)
    assert main_language_share("1+1=2") == 1.0


def test_every_dropped_response_is_counted_once_by_the_first_reason() -> None:
    failed = Scored(
        problem=Problem(id="p", prompt="?"),
        rollout=scored("x").rollout,
        reward=0.0,
        verdicts={"answer": Verdict(value=None, outcome="failed")},
    )
    wrong = scored("w", reward=0.0)
    wrong = Scored(problem=wrong.problem, rollout=wrong.rollout, reward=0.0, verdicts={"answer": Verdict(value=0.0)})
    fence = scored("```\nx\n```")
    group = [scored("a"), scored("a"), scored("b", tokens=4), failed, wrong, scored("c", finish="length"), fence]
    kept, dropped = select([group], strict(code_blocks="thought"), per_prompt=1)
    assert thoughts(kept) == ["a"]
    assert dropped == {"duplicate": 1, "over_the_cap": 1, "not_judged": 1, "wrong": 1, "cut_off": 1, "code_block": 1}
    assert len(kept) + sum(dropped.values()) == len(group)
    assert fault(wrong, ALL) == "wrong"
